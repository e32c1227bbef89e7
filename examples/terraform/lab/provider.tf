# For versions 3 to 6 of the provider. Versions before 5 know the server by `endpoints` alone; newer ones also by
# the variable AWS_ENDPOINT_URL.

terraform {
  required_version = ">= 1.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 3.24"
    }
  }
}

provider "aws" {
  region                  = var.region
  skip_metadata_api_check = true
  skip_region_validation  = true

  endpoints {
    ec2 = var.endpoint
    iam = var.endpoint
    s3  = var.endpoint
    sts = var.endpoint
  }
}
