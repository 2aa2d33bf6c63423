settings = {
  who    = "*"
  rotate = false
  readers = ["*"]
}
