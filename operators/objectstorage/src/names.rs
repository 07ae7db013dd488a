//! Names on the server: of users, buckets, keys.

use kubewright::patterns::external::Fault;
use sha2::{Digest, Sha256};

/// The user of a namespace: its name without the prefix `ns-`.
pub fn user(namespace: &str) -> &str {
    namespace.strip_prefix("ns-").unwrap_or(namespace)
}

/// The bucket of an object: `<user>-<name>`.
pub fn bucket(namespace: &str, name: &str) -> String {
    format!("{}-{name}", user(namespace))
}

/// The access key of a bucket's service account: the first 16 hexadecimal digits of the SHA-256 of the bucket's name.
pub fn access_key(bucket: &str) -> String {
    Sha256::digest(bucket).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The Secret of a user.
pub const USER_SECRET: &str = "object-storage-key";

/// The Secret of a bucket.
pub fn bucket_secret(bucket: &str) -> String {
    format!("{USER_SECRET}-{bucket}")
}

/// The server takes no user whose name is shorter.
pub(crate) fn check_user(user: &str) -> Result<(), Fault> {
    if user.len() < 3 {
        let what =
            format!("the user of this namespace would be {user:?}: the server takes names of 3 characters or more");
        return Err(Fault::permanent("InvalidName", what));
    }
    Ok(())
}

/// S3's rules for bucket names.
pub(crate) fn check_bucket(bucket: &str) -> Result<(), Fault> {
    let wrong = |why: &str| {
        let what = format!("metadata.name: the bucket would be {bucket:?}, which {why}: choose another name");
        Err(Fault::permanent("InvalidName", what))
    };
    if !(3..=63).contains(&bucket.len()) {
        return wrong(&format!("has {} characters, and S3 takes 3 to 63", bucket.len()));
    }
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = bucket.as_bytes();
    if !bytes.iter().all(|&byte| alphanumeric(byte) || byte == b'-' || byte == b'.') {
        return wrong("has other characters than small letters, digits, '-' and '.'");
    }
    if !bytes.first().is_some_and(|&byte| alphanumeric(byte)) || !bytes.last().is_some_and(|&byte| alphanumeric(byte)) {
        return wrong("does not begin and end with a letter or digit");
    }
    if ["..", ".-", "-."].iter().any(|pair| bucket.contains(pair)) {
        return wrong("has a '.' beside another '.' or a '-'");
    }
    if bucket.parse::<std::net::Ipv4Addr>().is_ok() {
        return wrong("looks like an address");
    }
    if ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| bucket.starts_with(prefix))
        || ["-s3alias", "--ol-s3", ".mrap", "--x-s3"].iter().any(|suffix| bucket.ends_with(suffix))
    {
        return wrong("begins or ends with what S3 keeps for itself");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_user_is_the_namespace_without_its_prefix() {
        assert_eq!(user("ns-anna"), "anna");
        assert_eq!(user("default"), "default");
        assert_eq!(user("ns-a-b"), "a-b");
        assert_eq!(user("dns-a"), "dns-a");
        assert_eq!(user("ns-ns-x"), "ns-x");
    }

    //
    #[test]
    fn buckets_and_keys_are_named_after_their_objects() {
        assert_eq!(bucket("ns-anna", "pictures"), "anna-pictures");
        // echo -n anna-pictures | sha256sum
        assert_eq!(access_key("anna-pictures"), "e77e35d85e2e7eae");
        assert_eq!(bucket_secret("anna-pictures"), "object-storage-key-anna-pictures");
    }

    #[test]
    fn names_follow_the_rules_of_s3() {
        for right in ["abc", "a.b", "anna-1.2", &"x".repeat(63)] {
            check_bucket(right).unwrap();
        }
        for wrong in [
            "ab",
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            "a..b",
            "a.-b",
            "a-.b",
            "10.0.0.1",
            "xn--a",
            "a-s3alias",
            &"x".repeat(64),
        ] {
            let fault = check_bucket(wrong).unwrap_err();
            assert!(fault.is_permanent() && fault.to_string().contains("metadata.name"), "{wrong}: {fault}");
        }
        assert!(check_user("ab").is_err() && check_user("abc").is_ok());
    }

    proptest! {
        #[test]
        fn no_namespace_makes_it_panic(namespace in ".{0,70}", name in ".{0,70}") {
            let bucket = bucket(&namespace, &name);
            let _ = check_bucket(&bucket);
            prop_assert_eq!(access_key(&bucket).len(), 16);
        }
    }
}
