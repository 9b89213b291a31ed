//! What a viewer can be refused, and the one place where it becomes an HTTP status.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::keys;

/// What a viewer can be refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The path or query is wrong, or nothing can be listed yet.
    #[error("{0}")]
    Request(#[from] package::Error),
    /// There is no such channel.
    #[error("there is no channel `{0}`")]
    NoChannel(String),
    /// The channel has not begun.
    #[error("channel `{0}` has not begun yet")]
    NotYet(String),
    /// Nothing is published under this name.
    #[error("nothing is published as `{0}`")]
    NoLocator(String),
    /// There is no such filter.
    #[error("filter: there is no filter `{0}`")]
    NoFilter(String),
    /// The asset holds nothing yet.
    #[error("nothing has been recorded yet")]
    Empty,
    /// It has left the presentation's window.
    #[error("segment {0} is no longer shown")]
    Gone(u64),
    /// As many downloads are being prepared as the box can bear.
    #[error("too many downloads are being prepared; try again")]
    Busy,
    /// What is stored cannot be made into one file.
    #[error("download: {0}")]
    Download(#[from] cmaf::Error),
    /// What is stored cannot be multiplexed.
    #[error("multiplexing: {0}")]
    Multiplex(String),
    /// A query that cannot be read.
    #[error("{0}")]
    Query(String),
    /// A stretch that cannot be had.
    #[error("{field}: {problem}")]
    Bounds {
        /// The field of the query.
        field: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Thumbnails that are there and cannot be read.
    #[error("thumbnails: {0}")]
    ReadThumbnails(String),
    /// The asset has no thumbnails (yet).
    #[error("there are no thumbnails")]
    NoThumbnails,
    /// The channel has no such track.
    #[error("the channel has no track `{0}`")]
    NoTrack(String),
    /// A track has no such init segment.
    #[error("there is no such init segment")]
    NoInit,
    /// A fragment of Smooth Streaming that is not there: its clients take this for "not yet" or "never", and ask for another.
    #[error("the fragment is missing, or not there yet")]
    Missing,
    /// A fragment of HDS that is not there: its clients take this for "not yet" or "never", and ask for another.
    #[error("the fragment is missing, or not there yet")]
    Hole,
    /// A segment or part that does not exist and is not about to.
    #[error("there is no such {0}")]
    NoMedia(&'static str),
    /// `_HLS_msn` is too far in the future (RFC 8216bis, 6.2.5.2).
    #[error("_HLS_msn: more than two segments ahead")]
    TooFar,
    /// A blocking reload ran out of time.
    #[error("nothing new came in time")]
    Late,
    /// The delivery policies keep it from this kind of player, or encrypt it in another way.
    #[error("the delivery policies do not allow this")]
    Blocked,
    /// There is no such content key, or it is given out elsewhere.
    #[error("there is no content key `{0}` here")]
    NoKey(String),
    /// The key that a delivery policy names is not in the settings any more.
    #[error("content key `{0}` is not in the settings any more")]
    LostKey(String),
    /// The key is not given to this address.
    #[error("this address may not have the key")]
    NotYourKey,
    /// The key is given only to who shows a token.
    #[error("the key needs a token")]
    NoToken,
    /// The address asks for too many keys.
    #[error("this address asks for keys too often")]
    TooOften,
    /// A token that does not do.
    #[error("{0}")]
    Token(#[from] access::token::Refused),
    /// A request for a licence that cannot be granted.
    #[error("licence: {0}")]
    Licence(&'static str),
    /// What is stored cannot be encrypted.
    #[error("encrypting: {0}")]
    Encrypt(#[from] protect::Error),
    /// The store refuses.
    #[error("{0}")]
    Store(#[from] store::Error),
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Request(package::Error::Parse { .. })
            | Self::TooFar
            | Self::Query(_)
            | Self::Licence(_)
            | Self::Bounds { .. } => StatusCode::BAD_REQUEST,
            Self::Blocked | Self::NotYourKey => StatusCode::FORBIDDEN,
            Self::TooOften => StatusCode::TOO_MANY_REQUESTS,
            Self::NoToken | Self::Token(_) => StatusCode::UNAUTHORIZED,
            Self::Request(
                package::Error::NotFound | package::Error::NoTrack(_) | package::Error::NothingShown,
            )
            | Self::NoChannel(_)
            | Self::NoTrack(_)
            | Self::NoLocator(_)
            | Self::NoFilter(_)
            | Self::NoKey(_)
            | Self::NoThumbnails
            | Self::NoInit
            | Self::NoMedia(_) => StatusCode::NOT_FOUND,
            Self::Request(package::Error::NoLayout | package::Error::NoSegments(_))
            | Self::NotYet(_)
            | Self::Empty
            | Self::Busy
            | Self::Hole
            | Self::LostKey(_)
            | Self::Late => StatusCode::SERVICE_UNAVAILABLE,
            Self::Gone(_) => StatusCode::GONE,
            Self::Missing => StatusCode::PRECONDITION_FAILED,
            Self::Download(_) | Self::Multiplex(_) | Self::Encrypt(_) | Self::ReadThumbnails(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            Self::Store(error) => match error.kind() {
                store::Kind::NotFound | store::Kind::Corrupt => StatusCode::NOT_FOUND,
                store::Kind::Gone => StatusCode::GONE,
                store::Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                store::Kind::Invalid | store::Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            },
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "request failed");
        }
        let mut response = (status, self.to_string()).into_response();
        let headers = response.headers_mut();
        // What is missing now may be there in a moment.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = keys::challenge(status) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
