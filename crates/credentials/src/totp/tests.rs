use super::*;

const NOW: i64 = 1_700_000_010;

fn seed() -> Seed {
    Seed(Zeroizing::new(b"12345678901234567890".to_vec()))
}

/// RFC 6238, appendix B, the SHA-1 rows: their last six of eight digits.
#[test]
fn shows_the_published_codes() {
    let vectors = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];
    for (time, code) in vectors {
        assert_eq!(seed().code_at(time).to_string(), code, "{time}");
    }
}

fn enabled() -> Clock {
    let (first, second) = (seed().code_at(NOW - STEP_SECONDS), seed().code_at(NOW));
    enable(&seed(), first, second, NOW).unwrap()
}

#[test]
fn a_device_is_enabled_by_two_consecutive_codes() {
    assert_eq!(enabled(), Clock { drift_steps: 0, last_step: NOW / 30 });
    let (previous, current) = (seed().code_at(NOW - 30), seed().code_at(NOW));
    assert!(enable(&seed(), current, previous, NOW).is_err(), "in the wrong order");
    assert!(enable(&seed(), current, current, NOW).is_err(), "the same twice");
    assert!(enable(&seed(), seed().code_at(NOW - 60), current, NOW).is_err(), "not consecutive");
}

#[test]
fn a_code_is_used_once() {
    let later = NOW + 30;
    let code = seed().code_at(later);
    let clock = verify(&seed(), enabled(), code, later).unwrap();
    assert!(verify(&seed(), clock, code, later).is_err());
    assert!(verify(&seed(), clock, seed().code_at(later - 30), later).is_err(), "an older one");
    assert!(verify(&seed(), clock, seed().code_at(later + 30), later + 30).is_ok());
}

#[test]
fn the_codes_that_enabled_a_device_do_not_sign_in() {
    for time in [NOW - 30, NOW] {
        assert!(verify(&seed(), enabled(), seed().code_at(time), NOW).is_err());
    }
}

#[test]
fn a_code_counts_one_step_early_and_late_and_no_more() {
    let clock = enabled();
    let later = NOW + 300;
    for (offset, taken) in [(-60, false), (-30, true), (0, true), (30, true), (60, false)] {
        assert_eq!(verify(&seed(), clock, seed().code_at(later + offset), later).is_ok(), taken, "{offset}");
    }
}

#[test]
fn drift_is_followed() {
    // The device runs three steps ahead.
    let shown = |now: i64| seed().code_at(now + 90);
    let clock = enable(&seed(), shown(NOW - 30), shown(NOW), NOW).unwrap();
    assert_eq!(clock.drift_steps, 3);
    assert!(verify(&seed(), clock, shown(NOW + 600), NOW + 600).is_ok());
}

#[test]
fn a_device_that_ran_away_is_resynced() {
    let shown = |now: i64| seed().code_at(now + 20 * 30);
    assert!(verify(&seed(), enabled(), shown(NOW), NOW).is_err());
    let clock = resync(&seed(), enabled(), shown(NOW - 30), shown(NOW), NOW).unwrap();
    assert_eq!(clock.drift_steps, 20);
    assert!(verify(&seed(), clock, shown(NOW + 30), NOW + 30).is_ok());
    let gone = |now: i64| seed().code_at(now + 21 * 30);
    assert!(resync(&seed(), enabled(), gone(NOW - 30), gone(NOW), NOW).is_err());
}

#[test]
fn used_codes_do_not_resync() {
    let (first, second) = (seed().code_at(NOW - 30), seed().code_at(NOW));
    assert!(resync(&seed(), enabled(), first, second, NOW).is_err());
}

#[test]
fn only_six_digits_are_a_code() {
    for text in ["12345", "1234567", "12345a", "+12345", " 12345", "１２３４５６", ""] {
        assert!(Code::parse(text).is_none(), "{text}");
    }
    assert_eq!(Code::parse("001234").unwrap().to_string(), "001234");
}

#[test]
fn seeds_are_forty_bytes_and_stay_out_of_logs() {
    let seed = Seed::generate(&|bytes| bytes.fill(7));
    assert_eq!(seed.base32().len(), 64);
    assert_eq!(Seed::from_base32(&seed.base32()).unwrap().base32(), seed.base32());
    assert_eq!(format!("{seed:?}"), "Seed(…)");
    assert!(Seed::from_base32("MZXW6YTBOI").is_none(), "too short");
}
