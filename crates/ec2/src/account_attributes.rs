//! `DescribeAccountAttributes`.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeAccountAttributes.html>

use rolecall_aws_model::ec2 as wire;

use crate::Ec2Error;

/// The attributes and their values in an account of today: a VPC, and AWS's default limits.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("supported-platforms", "VPC"),
    ("default-vpc", "none"),
    ("max-instances", "20"),
    ("vpc-max-security-groups-per-interface", "5"),
    ("max-elastic-ips", "5"),
    ("vpc-max-elastic-ips", "5"),
];

pub(crate) fn describe_account_attributes(
    request: &wire::DescribeAccountAttributesRequest,
) -> Result<wire::DescribeAccountAttributesResult, Ec2Error> {
    let wire::DescribeAccountAttributesRequest { dry_run, attribute_names } = request;
    if *dry_run == Some(true) {
        return Err(Ec2Error::DryRun);
    }
    if let Some(unknown) =
        attribute_names.iter().find(|name| !ATTRIBUTES.iter().any(|(known, _)| known == name))
    {
        return Err(Ec2Error::InvalidParameterValue(format!(
            "Value ({unknown}) for parameter attributeName is invalid."
        )));
    }
    let wanted =
        |name: &str| attribute_names.is_empty() || attribute_names.iter().any(|wanted| wanted == name);
    let attribute = |(name, value): &(&str, &str)| wire::AccountAttribute {
        attribute_name: Some((*name).to_owned()),
        attribute_values: vec![wire::AccountAttributeValue { attribute_value: Some((*value).to_owned()) }],
    };
    let account_attributes = ATTRIBUTES.iter().filter(|(name, _)| wanted(name)).map(attribute).collect();
    Ok(wire::DescribeAccountAttributesResult { account_attributes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(names: &[&str]) -> Result<usize, Ec2Error> {
        let attribute_names = names.iter().map(|name| (*name).to_owned()).collect();
        let request = wire::DescribeAccountAttributesRequest { dry_run: None, attribute_names };
        describe_account_attributes(&request).map(|response| response.account_attributes.len())
    }

    #[test]
    fn only_what_is_asked_for_is_answered() {
        assert_eq!(asked(&["supported-platforms"]).unwrap(), 1);
        assert_eq!(asked(&[]).unwrap(), ATTRIBUTES.len());
        assert!(asked(&["made-up"]).is_err());
    }
}
