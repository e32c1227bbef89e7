//! Start-up must not pay for the data: in a process of its own, so that no other test has loaded them.

#[test]
fn nothing_is_unpacked_until_it_is_asked_for() {
    assert!(!rolecall_managed_policies::is_loaded());
    assert!(rolecall_managed_policies::is_aws_managed("arn:aws:iam::aws:policy/AdministratorAccess"));
    assert!(!rolecall_managed_policies::is_loaded());
    assert!(rolecall_managed_policies::find("arn:aws:iam::aws:policy/AdministratorAccess").is_some());
    assert!(rolecall_managed_policies::is_loaded());
}
