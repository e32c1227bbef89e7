//! Regions and addresses.

use std::net::IpAddr;

use crate::code::IssueCode;
use crate::operator::Family;
use crate::pattern::has_wildcard;
use crate::report::Report;
use crate::statement::Condition;

/// The regions, by partition: <https://docs.aws.amazon.com/general/latest/gr/rande.html>
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "cn-north-1",
    "cn-northwest-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "eu-isoe-west-1",
    "eusc-de-east-1",
];

pub(crate) fn is_region(text: &str) -> bool {
    REGIONS.contains(&text)
}

/// `aws:RequestedRegion` with a region that there is not.
pub(crate) fn check_region(condition: &Condition<'_>, report: &mut Report) {
    if !condition.is_key("aws:RequestedRegion") {
        return;
    }
    for (value, cursor) in condition.values() {
        if !has_wildcard(&value) && !value.contains("${") && !is_region(&value) {
            let nearest = rolecall_service_reference::closest(&value, REGIONS.iter().copied());
            let hint = nearest.map(|known| format!(" Did you mean {known}?")).unwrap_or_default();
            report.add(
                IssueCode::InvalidRegion,
                format!("There is no region {value}.{hint}"),
                &cursor.place(),
            );
        }
    }
}

/// Ranges of addresses: well-formed, canonical, and public where only public ones can match.
pub(crate) fn check_addresses(condition: &Condition<'_>, report: &mut Report) {
    let Some(operator) = condition.operator.filter(|operator| operator.family == Family::IpAddress) else {
        return;
    };
    let mut ranges = Vec::new();
    for (value, cursor) in condition.values() {
        let Some(range) = Range::read(&value) else {
            if !value.contains("${") {
                let details = format!(
                    "{value} is no range of addresses for {}. Write it like 203.0.113.0/24.",
                    operator.text
                );
                report.add(IssueCode::TypeMismatchIpRange, details, &cursor.place());
            }
            continue;
        };
        if let Some(better) = range.canonical() {
            let details = format!("Bits of {value} after the prefix are ignored. Write {better}.");
            report.add(IssueCode::ImproveIpRange, details, &cursor.place());
        }
        ranges.push(range);
    }
    if condition.is_key("aws:SourceIp") {
        check_private(condition, operator.is_negated(), &ranges, report);
    }
}

fn check_private(condition: &Condition<'_>, negated: bool, ranges: &[Range], report: &mut Report) {
    let private = ranges.iter().filter(|range| range.is_private()).count();
    if private == 0 {
        return;
    }
    let all = private == ranges.len();
    let code = match (all, negated) {
        (true, false) => IssueCode::PrivateIpAddress,
        (true, true) => IssueCode::PrivateNotIpAddress,
        (false, false) => IssueCode::PrivateIpAddressSubset,
        (false, true) => IssueCode::PrivateNotIpAddressSubset,
    };
    let details = if all {
        "aws:SourceIp is always a public address; private ones have no effect. Name public ranges."
    } else {
        "aws:SourceIp is always a public address; the private ones among these have no effect. For private ranges there is aws:VpcSourceIp."
    };
    report.add(code, details, &condition.value.place());
}

/// An address with the length of its prefix.
struct Range {
    address: IpAddr,
    length: u32,
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let (address, length) =
            text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = length.map_or(Some(most), |length| length.parse().ok())?;
        (length <= most).then_some(Self { address, length })
    }

    /// The range with the ignored bits as zeros, if any of them is not.
    fn canonical(&self) -> Option<String> {
        let first: IpAddr = match self.address {
            IpAddr::V4(address) => {
                let mask = u32::MAX.checked_shl(32 - self.length).unwrap_or(0);
                IpAddr::V4((u32::from(address) & mask).into())
            }
            IpAddr::V6(address) => {
                let mask = u128::MAX.checked_shl(128 - self.length).unwrap_or(0);
                IpAddr::V6((u128::from(address) & mask).into())
            }
        };
        (first != self.address).then(|| format!("{first}/{}", self.length))
    }

    fn is_private(&self) -> bool {
        match self.address {
            IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
            IpAddr::V6(address) => {
                address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
            }
        }
    }
}
