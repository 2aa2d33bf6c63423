variable "extra" {
  type = list(object({
    sid        = optional(string)
    effect     = optional(string, "Allow")
    actions    = list(string)
    principals = optional(list(object({ type = string, ids = list(string) })), [])
    conds      = optional(map(map(list(string))), {})
  }))
  default = [
    { sid = "A", actions = ["kms:Encrypt"], principals = [{ type = "AWS", ids = ["arn:aws:iam::111122223333:role/b", "arn:aws:iam::111122223333:role/a"] }, { type = "Service", ids = ["s3.amazonaws.com"] }] },
    { effect = "Deny", actions = ["kms:*"], principals = [{ type = "*", ids = ["*"] }], conds = { Bool = { "aws:SecureTransport" = ["false"] }, StringNotEquals = { "aws:PrincipalOrgID" = ["o-1", "o-2"], "kms:ViaService" = ["x"] } } },
  ]
}
data "aws_iam_policy_document" "base" {
  policy_id = "base"
  version   = "2008-10-17"
  statement {
    sid     = "Root"
    actions = ["kms:*"]
    principals {
      type        = "AWS"
      identifiers = ["111122223333"]
    }
    resources = ["*"]
  }
  statement {
    sid         = "Not"
    not_actions = ["kms:Decrypt", "kms:Abc"]
    not_principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::444455556666:root"]
    }
    not_principals {
      type        = "Service"
      identifiers = ["a.amazonaws.com", "b.amazonaws.com"]
    }
    resources = ["*"]
    effect    = "Deny"
    condition {
      test     = "NumericLessThan"
      variable = "x:y"
      values   = [5, "10"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "x:z"
      values   = [true]
    }
    condition {
      test     = "NumericLessThan"
      variable = "x:y"
      values   = ["7"]
    }
  }
}
data "aws_iam_policy_document" "dyn" {
  dynamic "statement" {
    for_each = var.extra
    content {
      sid       = statement.value.sid
      effect    = statement.value.effect
      actions   = statement.value.actions
      resources = ["arn:aws:kms:*:*:key/&{aws:username}", "arn:aws:kms:*:*:key/$${aws:userid}"]
      dynamic "principals" {
        for_each = statement.value.principals
        iterator = p
        content {
          type        = p.value.type
          identifiers = p.value.ids
        }
      }
      dynamic "condition" {
        for_each = flatten([for t, m in statement.value.conds : [for v, vals in m : { t = t, v = v, vals = vals }]])
        content {
          test     = condition.value.t
          variable = condition.value.v
          values   = condition.value.vals
        }
      }
    }
  }
}
data "aws_iam_policy_document" "merged" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json, data.aws_iam_policy_document.dyn.json]
  override_policy_documents = [jsonencode({ Version = "2012-10-17", Id = "ov", Statement = [{ Sid = "Root", Effect = "Allow", Principal = { AWS = ["a", "b"] }, Action = "kms:List*", Resource = "*" }] }), data.aws_iam_policy_document.ov2.json, ""]
  statement {
    sid       = "Own"
    actions   = ["b:b", "a:a", "b:b"]
    resources = ["x"]
  }
  statement {
    sid       = "Not"
    actions   = ["replaced:By"]
    resources = ["own"]
  }
}
data "aws_iam_policy_document" "ov2" {
  statement {
    sid       = "Own"
    effect    = "Deny"
    actions   = ["z:z"]
    resources = ["ov2"]
  }
  statement {
    actions   = ["nosid:X"]
    resources = ["*"]
  }
}
data "aws_iam_policy_document" "empty" {}
resource "aws_kms_key" "k" {
  policy              = data.aws_iam_policy_document.merged.json
  enable_key_rotation = true
}
output "o" { value = [data.aws_iam_policy_document.base.json, data.aws_iam_policy_document.dyn.json, data.aws_iam_policy_document.merged.json, data.aws_iam_policy_document.empty.json] }
output "min" { value = data.aws_iam_policy_document.merged.minified_json }
data "aws_iam_policy_document" "sets" {
  statement {
    actions   = ["a:b"]
    resources = ["*"]
    dynamic "principals" {
      for_each = [["b", "a"], ["d"], ["c", "e", "f"]]
      content {
        type        = "AWS"
        identifiers = principals.value
      }
    }
    dynamic "condition" {
      for_each = ["x", "y", "z", "w", "é"]
      content {
        test     = "StringEquals"
        variable = "k"
        values   = [condition.value, "${condition.value}2"]
      }
    }
  }
  statement {
    actions   = ["a:b"]
    resources = ["*"]
    dynamic "principals" {
      for_each = ["AWS", "Service", "Federated"]
      content {
        type        = principals.value
        identifiers = ["one"]
      }
    }
    principals {
      type        = "AWS"
      identifiers = ["two"]
    }
  }
  statement {
    actions = ["c:d"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "A"
      variable = "k"
      values   = []
    }
  }
}
output "sets" { value = data.aws_iam_policy_document.sets.json }
