/// Why samples cannot be wrapped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The codec has no place in this wrapping.
    #[error("{0} cannot be carried")]
    Codec(String),
    /// More bytes of samples than a fragment can hold.
    #[error("{0} bytes of samples are more than a fragment can hold")]
    Large(u64),
    /// A track's codec parameters cannot be read.
    #[error("the codec parameters of track `{0}` are cut short")]
    Config(String),
    /// A sample's NAL unit reaches beyond its end.
    #[error("a sample of track `{track}` at {decode_time} is cut short at byte {at}")]
    Sample {
        /// The track.
        track: String,
        /// Its decode time, in ticks.
        decode_time: u64,
        /// Where it ends.
        at: usize,
    },
}
