//! Any bytes as the rows of a page: the scanner accepts what `serde_json` accepts, and writes as many lines as there are rows,
//! each of them JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use serde_json::value::RawValue;
use source_navan::bench::PageScanner;

thread_local! {
    static SCANNER: PageScanner = PageScanner::for_stream("BOOKING").expect("a stream");
}

#[derive(serde::Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    data: Vec<&'a RawValue>,
}

fuzz_target!(|rows: &[u8]| {
    let body = [b"{\"data\":[", rows, b"]}"].concat();
    let expected = str::from_utf8(&body).ok().and_then(|text| serde_json::from_str::<Page<'_>>(text).ok());
    let expected = expected.filter(|page| page.data.iter().all(|row| row.get().starts_with('{')));
    let scanned = SCANNER.with(|scanner| scanner.scan(&body));
    match expected {
        // The parser refuses a second member of that name; to the facade every array is rows.
        None => assert!(scanned.is_err() || rows.windows(2).any(|two| two == b"],")),
        Some(page) => {
            let scanned = scanned.expect("what serde_json accepts");
            assert_eq!(scanned.count(), page.data.len());
            let lines = scanned.to_bytes();
            let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            assert!(lines.clone().all(|line| serde_json::from_slice::<Value>(line).is_ok()));
            assert_eq!(lines.count(), page.data.len());
        }
    }
});
