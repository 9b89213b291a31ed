//! ISO-BMFF init segments and CMAF chunks, written and read.
