//! The way of a page's bytes to RECORD lines, step by step: `cargo bench`.

#![allow(missing_docs, clippy::unwrap_used)] // made by criterion's macros; a benchmark fails by panicking

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use navan_sandbox::{Sandbox, Settings};
use source_navan::api::NumberedPage;
use source_navan::protocol::{RecordBlock, RecordLine};
use source_navan::sync::conform::{Schema, write_edited};
use source_navan::sync::streams::Stream;

/// A page of bookings as Navan sends it.
fn page() -> String {
    let sandbox = Sandbox::start(Settings { bookings: 100, ..Settings::default() }).unwrap();
    let rows: Vec<_> = sandbox.bookings().collect();
    format!(r#"{{"data":[{}],"page":{{"totalPages":1,"currentPage":0,"totalElements":100}}}}"#, rows.join(","))
}

fn hot_path(criterion: &mut Criterion) {
    let body = page();
    let stream = Stream::named("BOOKING").unwrap();
    let schema = Schema::compile(stream.schema, stream.key, stream.time, stream.wavering).unwrap();
    let page = NumberedPage::read(body.clone()).unwrap();
    let mut group = criterion.benchmark_group("a page of 100 bookings");
    group.throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("find the rows", |bench| {
        bench.iter_batched(|| body.clone(), |body| NumberedPage::read(body).unwrap(), BatchSize::SmallInput);
    });
    group.bench_function("walk over the rows", |bench| {
        bench.iter(|| page.rows.iter().filter(|row| black_box(schema.look(row)).key.is_some()).count());
    });
    group.bench_function("write the records", |bench| {
        bench.iter_batched(
            RecordBlock::default,
            |mut block| {
                let line = RecordLine::of("BOOKING", None);
                for row in page.rows.iter() {
                    line.append(&mut block, |bytes| write_edited(row, &[], bytes));
                }
                block
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
