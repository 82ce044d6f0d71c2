//! Image references, digests and tags (stage *image*).
