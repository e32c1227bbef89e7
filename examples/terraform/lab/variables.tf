variable "endpoint" {
  description = "Where the server is"
  type        = string
  default     = "http://127.0.0.1:4566"
}

variable "region" {
  type    = string
  default = "us-east-1"
}

variable "trust_whole_account" {
  description = "Trust every user of the account whose own policy allows it, instead of the one user"
  type        = bool
  default     = false
}
