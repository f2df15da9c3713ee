//! The way of a page's bytes to RECORD lines: `cargo bench`. Beside other parsers: `benches/sync/run parsers`.

#![allow(missing_docs, clippy::unwrap_used)] // made by criterion's macros; a benchmark fails by panicking

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use navan_sandbox::{ExpenseType, Sandbox, Settings};
use source_navan::bench::PageScanner;

fn hot_path(criterion: &mut Criterion) {
    let sandbox = Sandbox::start(Settings { bookings: 100, transactions: 500, ..Settings::odd() }).unwrap();
    let bookings: Vec<_> = sandbox.bookings().collect();
    let transactions: Vec<_> = sandbox.transactions(ExpenseType::CardTransactions).collect();
    // The pages as Navan sends them: what follows the rows differs.
    let bookings = format!(
        r#"{{"data":[{}],"page":{{"totalPages":1,"currentPage":0,"pageSize":100,"totalElements":100}}}}"#,
        bookings.join(",")
    );
    let transactions = format!(
        r#"{{"content":[{}],"next_cursor":null,"has_next":false,"has_previous":false}}"#,
        transactions.join(",")
    );
    scan(criterion, "a page of 100 bookings", "BOOKING", &bookings);
    scan(criterion, "a page of 500 transactions", "TRANSACTION", &transactions);
}

fn scan(criterion: &mut Criterion, name: &str, stream: &str, body: &str) {
    let scanner = PageScanner::for_stream(stream).unwrap();
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("scan", |bench| {
        bench.iter(|| scanner.scan(body.as_bytes()).unwrap());
    });
    group.finish();
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
