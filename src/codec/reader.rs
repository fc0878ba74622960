//! Checked reading from a slice.

/// Why bytes are not a value: which field, at which offset, and what was wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at offset {offset}: {fault}")]
pub struct Malformed {
    /// The field that could not be read.
    pub field: &'static str,
    /// Offset of the field in bytes from the start of the slice.
    pub offset: usize,
    /// What was wrong.
    pub fault: String,
}

/// A cursor over a slice.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Starts at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes read so far.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes not read yet.
    pub const fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn bytes(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], Malformed> {
        if length > self.remaining() {
            return Err(self.fault(field, format!("needs {length} bytes, {} are left", self.remaining())));
        }
        let start = self.offset;
        self.offset += length;
        Ok(&self.bytes[start..self.offset])
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Malformed> {
        let slice = self.bytes(field, N)?;
        let mut array = [0; N];
        array.copy_from_slice(slice);
        Ok(array)
    }

    /// One byte.
    ///
    /// # Errors
    /// When none is left.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Malformed> {
        Ok(self.array::<1>(field)?[0])
    }

    /// A 32-bit little-endian integer.
    ///
    /// # Errors
    /// When fewer than 4 bytes are left.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array(field)?))
    }

    /// A 64-bit little-endian integer.
    ///
    /// # Errors
    /// When fewer than 8 bytes are left.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, Malformed> {
        Ok(u64::from_le_bytes(self.array(field)?))
    }

    /// A 32-bit length and that many bytes, `length_max` at most.
    ///
    /// # Errors
    /// When the length is over `length_max`, or fewer bytes are left.
    pub fn tail(&mut self, field: &'static str, length_max: usize) -> Result<&'a [u8], Malformed> {
        let at = self.clone();
        let length = self.u32(field)? as usize;
        if length > length_max {
            return Err(at.fault(field, format!("length {length} is over the limit of {length_max}")));
        }
        self.bytes(field, length)
    }

    /// Asserts that everything was read.
    ///
    /// # Errors
    /// When bytes are left over.
    pub fn finish(self, field: &'static str) -> Result<(), Malformed> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(self.fault(field, format!("{left} bytes too many"))),
        }
    }

    /// A fault at the current offset, for a value that could be read but is not acceptable.
    pub fn fault(&self, field: &'static str, fault: String) -> Malformed {
        Malformed { field, offset: self.offset, fault }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_beyond_the_slice_is_refused_with_its_offset() {
        let bytes = [9, 255, 255, 255, 255, 1];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8("first"), Ok(9));
        let error = reader.clone().tail("body", usize::MAX).unwrap_err();
        assert_eq!((error.field, error.offset), ("body", 5));
        let error = reader.tail("body", 100).unwrap_err();
        assert_eq!(error.to_string(), "body at offset 1: length 4294967295 is over the limit of 100");
    }

    #[test]
    fn left_over_bytes_are_refused() {
        let mut reader = Reader::new(&[1, 0, 0, 0, 7, 8]);
        assert_eq!(reader.tail("body", 8), Ok(&[7][..]));
        assert_eq!(reader.finish("end").unwrap_err().fault, "1 bytes too many");
    }
}
