# The lab, declared from the far end back: root keys in the environment, then `terraform init` and `terraform apply`.
# docs/terraform.md says how the provider finds the server.

data "aws_caller_identity" "current" {}

data "aws_iam_policy_document" "s3_management" {
  statement {
    actions   = ["s3:*"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "s3_management" {
  name   = "s3_management"
  path   = "/storage/"
  policy = data.aws_iam_policy_document.s3_management.json
}

resource "aws_iam_user" "robot" {
  name = "robot"
  path = "/auto/"
  tags = { Name = "robot" }
}

resource "aws_iam_role" "robot" {
  name = "robot"
  tags = { Name = "robot" }
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect = "Allow"
      Action = "sts:AssumeRole"
      Principal = var.trust_whole_account ? {
        Service = "ec2.amazonaws.com"
        AWS     = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root"
        } : {
        Service = "ec2.amazonaws.com"
        AWS     = aws_iam_user.robot.arn
      }
      Condition = {}
    }]
  })
}

resource "aws_iam_role_policy_attachment" "robot" {
  role       = aws_iam_role.robot.name
  policy_arn = aws_iam_policy.s3_management.arn
}

resource "aws_iam_instance_profile" "robot" {
  name = "profile-robot"
  role = aws_iam_role.robot.name
}

resource "aws_iam_user_policy" "assume_role" {
  name = "assume_role-robot"
  user = aws_iam_user.robot.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Resource = aws_iam_role.robot.arn }]
  })
}

resource "aws_iam_access_key" "robot" {
  user = aws_iam_user.robot.name
}
