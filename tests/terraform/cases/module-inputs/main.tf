module "key" {
  source     = "./key"
  count      = 1
  depends_on = []
  nmae       = "typo"
}
