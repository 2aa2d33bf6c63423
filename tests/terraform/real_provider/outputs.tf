output "one" {
  value = data.aws_iam_policy_document.one.json
}
output "one_minified" {
  value = data.aws_iam_policy_document.one.minified_json
}
output "lists" {
  value = data.aws_iam_policy_document.lists.json
}
output "everybody" {
  value = data.aws_iam_policy_document.everybody.json
}
output "conditions" {
  value = data.aws_iam_policy_document.conditions.json
}
output "conditions_minified" {
  value = data.aws_iam_policy_document.conditions.minified_json
}
output "same_condition" {
  value = data.aws_iam_policy_document.same_condition.json
}
output "dynamic" {
  value = data.aws_iam_policy_document.dynamic.json
}
output "merged" {
  value = data.aws_iam_policy_document.merged.json
}
output "empty" {
  value = data.aws_iam_policy_document.empty.json
}
output "only_sources" {
  value = data.aws_iam_policy_document.only_sources.json
}
output "partition" {
  value = [data.aws_partition.current.partition, data.aws_partition.current.dns_suffix, data.aws_partition.current.reverse_dns_prefix]
}
output "regions" {
  value = [data.aws_region.current.name, data.aws_region.west.id]
}
output "arn" {
  value = [
    data.aws_arn.role.partition, data.aws_arn.role.service, data.aws_arn.role.region,
    data.aws_arn.role.account, data.aws_arn.role.resource,
  ]
}
output "service" {
  value = data.aws_service_principal.logs.name
}
output "functions" {
  value = [
    provider::aws::arn_build("aws", "iam", "", "444455556666", "role/x"),
    provider::aws::arn_parse("arn:aws:iam::444455556666:role/x").account_id,
    provider::aws::trim_iam_role_path("arn:aws:iam::444455556666:role/a/b/x"),
  ]
}
