//! The bytes of a string that need a look: its closing quote, a backslash, a control character, or one that is not ASCII.
//!
//! Names and values are short: most end within sixteen bytes, and where cannot be foreseen. So these are looked at together, by the
//! processor's instructions for that, before anything is decided.

use wide::i8x16;

/// The first of them from a position on.
#[inline]
pub(super) fn next(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(bytes) = text.get(at..).and_then(|rest| rest.first_chunk()) {
        let specials = specials(bytes);
        if specials != 0 {
            return Some(at + specials.trailing_zeros() as usize);
        }
        at += bytes.len();
    }
    next_near_the_end(text, at)
}

/// The same where fewer bytes are left.
#[cold]
fn next_near_the_end(text: &[u8], from: usize) -> Option<usize> {
    text.get(from..)?.iter().position(|byte| is_special(*byte)).map(|found| from + found)
}

/// A bit for each of the bytes that is one.
#[inline(always)]
fn specials(bytes: &[u8; 16]) -> u32 {
    let bytes = i8x16::new(bytes.map(u8::cast_signed));
    let all = |byte: u8| i8x16::splat(byte.cast_signed());
    // With their signs, the bytes beyond ASCII are less than a space, too.
    (bytes.simd_lt(all(b' ')) | bytes.simd_eq(all(b'"')) | bytes.simd_eq(all(b'\\'))).to_bitmask()
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..b' ' | 0x80..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_one_or_not_wherever_it_stands() {
        for byte in 0..=u8::MAX {
            for at in 0..16 {
                let mut bytes = [b'a'; 16];
                bytes[at] = byte;
                assert_eq!(specials(&bytes), u32::from(is_special(byte)) << at, "{byte} at {at}");
            }
        }
    }

    #[test]
    fn it_is_found_in_a_text_of_any_length() {
        for length in 0..50 {
            let mut text = vec![b'a'; length];
            assert_eq!(next(&text, 0), None);
            assert_eq!(next(&text, length + 1), None);
            for at in 0..length {
                text[at] = b'"';
                for from in 0..=length {
                    assert_eq!(next(&text, from), (from <= at).then_some(at), "{at} of {length} from {from}");
                }
                text[at] = b'a';
            }
        }
    }
}
