//! Families of keys, and the unit of writing: a batch.

use super::Error;

/// Longest key in bytes.
pub const KEY_BYTES_MAX: usize = u16::MAX as usize;
/// Longest value in bytes.
pub const VALUE_BYTES_MAX: usize = 1 << 30;

/// A separate, ordered set of keys; a column family where the engine has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// A few keys about the chain itself.
    Meta,
    /// Where each transaction was included.
    Transactions,
    /// How far each durable subscriber has got.
    Cursors,
}

impl Family {
    /// All, in the order of [`Self::index`].
    pub const ALL: [Self; 3] = [Self::Meta, Self::Transactions, Self::Cursors];

    /// Its name on disk; permanent.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Transactions => "transactions",
            Self::Cursors => "cursors",
        }
    }

    /// Position in arrays with one element per family.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// One change in a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation<'a> {
    /// Where.
    pub family: Family,
    /// The key.
    pub key: &'a [u8],
    /// The new value; `None` deletes.
    pub value: Option<&'a [u8]>,
}

#[derive(Clone, Copy, Debug)]
struct Extent {
    family: Family,
    key_bytes: usize,
    value_bytes: Option<usize>,
}

/// Changes that are applied together, in their order: the last one of a key wins. All keys and values
/// share one buffer, so a batch costs a handful of allocations whatever its size.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    extents: Vec<Extent>,
}

impl Batch {
    /// An empty batch.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), extents: Vec::new() }
    }

    /// Sets `key` to `value`.
    pub fn put(&mut self, family: Family, key: &[u8], value: &[u8]) -> &mut Self {
        self.push(family, key, Some(value))
    }

    /// Removes `key`; no error when there is none.
    pub fn delete(&mut self, family: Family, key: &[u8]) -> &mut Self {
        self.push(family, key, None)
    }

    fn push(&mut self, family: Family, key: &[u8], value: Option<&[u8]>) -> &mut Self {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.extents.push(Extent { family, key_bytes: key.len(), value_bytes: value.map(<[u8]>::len) });
        self
    }

    /// Number of operations.
    pub const fn len(&self) -> usize {
        self.extents.len()
    }

    /// True without operations.
    pub const fn is_empty(&self) -> bool {
        self.extents.is_empty()
    }

    /// Bytes of all keys and values.
    pub const fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// The operations, in their order.
    pub fn iter(&self) -> impl Iterator<Item = Operation<'_>> {
        let mut rest = &self.bytes[..];
        self.extents.iter().map(move |extent| {
            let (key, after) = rest.split_at(extent.key_bytes);
            let (value, after) = after.split_at(extent.value_bytes.unwrap_or(0));
            rest = after;
            Operation { family: extent.family, key, value: extent.value_bytes.map(|_| value) }
        })
    }

    /// Refuses keys and values that not every backend can hold, before anything is written.
    pub(super) fn check(&self) -> Result<(), Error> {
        for extent in &self.extents {
            if extent.key_bytes == 0 || extent.key_bytes > KEY_BYTES_MAX {
                return Err(Error::TooLarge { what: "key", len: extent.key_bytes, max: KEY_BYTES_MAX });
            }
            match extent.value_bytes {
                Some(len) if len > VALUE_BYTES_MAX => {
                    return Err(Error::TooLarge { what: "value", len, max: VALUE_BYTES_MAX });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_come_back_in_order_and_empty_values_are_not_deletions() {
        let mut batch = Batch::new();
        batch.put(Family::Meta, b"a", b"1").delete(Family::Cursors, b"bb").put(Family::Meta, b"c", b"");
        let seen: Vec<_> = batch.iter().map(|o| (o.family, o.key.to_vec(), o.value)).collect();
        assert_eq!(seen[0], (Family::Meta, b"a".to_vec(), Some(&b"1"[..])));
        assert_eq!(seen[1], (Family::Cursors, b"bb".to_vec(), None));
        assert_eq!(seen[2], (Family::Meta, b"c".to_vec(), Some(&b""[..])));
        assert_eq!((batch.len(), batch.byte_len()), (3, 5));
    }
}
