//! The part of the phone that other programs may want: reading QR codes in pictures from anywhere.
//!
//! The phone itself is this package's program.

pub mod decode;
