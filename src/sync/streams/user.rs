//! USER: the company's people in Navan.

use super::{Source, Stream};

pub(super) static USER: Stream = Stream {
    name: "USER",
    schema: include_str!("../../../schemas/user.json"),
    key: "id",
    time: "",
    wavering: &[],
    scope: "users:read",
    source: Source::List("/v1/users"),
};
