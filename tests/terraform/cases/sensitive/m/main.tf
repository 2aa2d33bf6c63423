output "secret" {
  value     = "inner"
  sensitive = true
}
