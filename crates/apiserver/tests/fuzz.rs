//! The fuzz targets, as plain tests: their seeds as they are, and with random changes. `cargo xtask fuzz` runs the same with
//! coverage as its guide, which takes a build of its own.
//!
//! `KUBEWRIGHT_FUZZ=N` makes so many inputs for each target.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests end at the first surprise, and the targets are a crate of their own"
)]

#[path = "../../../fuzz/src/lib.rs"]
mod targets;

use std::path::Path;

/// Changed inputs for each target.
const INPUTS: usize = 2_000;
/// The longest input in bytes, as `cargo xtask fuzz` has it.
const LONGEST: usize = 16_384;
/// What is put into inputs: what the formats are made of, and what is at the limits of numbers.
const WORDS: [&[u8]; 24] = [
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b":",
    b",",
    b"null",
    b"true",
    b"-1",
    b"1e999",
    b"9223372036854775808",
    b"0.5",
    b"\\u0000",
    b"\xff\xfe",
    b"\x00",
    b"\n- ",
    b"&a *a",
    b"$patch",
    b"metadata",
    b"/-",
    b"~1",
    b" in (a,",
    b"\x0a\xff\xff\xff\xff\x0f",
];

/// A generator whose numbers are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

/// Tells the input that a target has failed with.
struct Told<'a>(&'a [u8]);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the input: {:?}", String::from_utf8_lossy(self.0));
            println!("as bytes: {:?}", self.0);
        }
    }
}

fn change(input: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(input.len() + 1);
    let until = (at + random.below(16)).min(input.len());
    match random.below(7) {
        0 => drop(input.drain(at..until)),
        1 => {
            let word = WORDS[random.below(WORDS.len())];
            input.splice(at..at, word.iter().copied());
        }
        2 => {
            let word = WORDS[random.below(WORDS.len())];
            input.splice(at..until, word.iter().copied());
        }
        3 => {
            let part = input[at..until].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, part);
        }
        4 if at < input.len() => input[at] ^= 1 << random.below(8),
        5 => {
            // Deep nesting, and long repetitions.
            let part = if until > at { input[at..until].to_vec() } else { b"[".to_vec() };
            let repeated = part.repeat(1 + random.below(200));
            input.splice(at..at, repeated);
        }
        _ => input.truncate(at),
    }
    input.truncate(LONGEST);
}

fn run(target: &str, body: fn(&[u8])) {
    let inputs = std::env::var("KUBEWRIGHT_FUZZ").map_or(INPUTS, |text| text.parse().expect("a number"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<Vec<u8>> = files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    seeds.sort();
    let try_out = |input: &[u8]| {
        let _told = Told(input);
        body(input);
    };
    seeds.iter().for_each(|seed| try_out(seed));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..inputs {
        let mut input = seeds[random.below(seeds.len())].clone();
        for _ in 0..1 + random.below(4) {
            change(&mut input, &mut random);
        }
        try_out(&input);
    }
}

#[test]
fn any_json_is_answered() {
    run("json", targets::json);
}

#[test]
fn any_yaml_is_answered() {
    run("yaml", targets::yaml);
}

#[test]
fn any_protobuf_is_answered() {
    run("protobuf", targets::protobuf);
}

#[test]
fn any_patch_is_answered() {
    run("patch", targets::patch);
}

#[test]
fn any_selector_is_answered() {
    run("selectors", targets::selectors);
}

#[test]
fn any_continue_token_is_answered() {
    run("continue_token", targets::continue_token);
}

#[test]
fn any_definition_is_answered() {
    run("schema", targets::schema);
}
