//! Appending to a byte vector.

/// Appends fixed-width little-endian values.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Writer<'a> {
    /// Appends to `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.out.push(value);
        self
    }

    /// A 32-bit little-endian integer.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// A 64-bit little-endian integer.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Bytes without a length.
    pub fn bytes(&mut self, value: &[u8]) -> &mut Self {
        self.out.extend_from_slice(value);
        self
    }

    /// A 32-bit length and the bytes.
    ///
    /// # Panics
    /// When `value` is 4 GiB or longer: every caller bounds it far below.
    pub fn tail(&mut self, value: &[u8]) -> &mut Self {
        let length = u32::try_from(value.len()).expect("tails are bounded far below 4 GiB");
        self.u32(length).bytes(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Reader;

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();
        Writer::new(&mut out).u8(1).u32(2).u64(3).tail(b"four").bytes(&[5; 2]);
        let mut reader = Reader::new(&out);
        assert_eq!(reader.u8("a"), Ok(1));
        assert_eq!(reader.u32("b"), Ok(2));
        assert_eq!(reader.u64("c"), Ok(3));
        assert_eq!(reader.tail("d", 4), Ok(&b"four"[..]));
        assert_eq!(reader.array::<2>("e"), Ok([5, 5]));
        assert_eq!(reader.finish("end"), Ok(()));
    }
}
