//! An endpoint: who may come through it, and how long what goes out of it may be kept.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use access::{
    Rules,
    g2o::{self, Seen, SigningKey},
};
use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};

use clock::Clock;

use crate::{
    egress::{Egress, Room, is_beginning},
    respond,
};

/// Seconds after which there may be room again.
const RETRY_AFTER: &str = "5";

/// What an endpoint does.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// It is reached over TLS only.
    pub tls: bool,
    /// Who may come; empty for everybody.
    pub allow: Rules,
    /// The proxies that are believed in whose request it is.
    pub trusted_proxies: Rules,
    /// One of these must have signed every request, where there is any.
    pub signing: Vec<SigningKey>,
    /// Bytes per second at which nobody begins to watch any more.
    pub egress: Option<u64>,
    /// The longest that caches may keep anything.
    pub max_age: Option<Duration>,
    /// The text of `/clientaccesspolicy.xml`.
    pub client_access_policy: Option<String>,
    /// The text of `/crossdomain.xml`.
    pub cross_domain_policy: Option<String>,
}

/// An endpoint. Clones share it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    policy: Arc<Policy>,
    traffic: Arc<Traffic>,
}

/// What has come through an endpoint since it was made.
#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    refused: AtomicU64,
    turned_away: AtomicU64,
    stopped: AtomicBool,
    egress: Egress,
    keys: AtomicU64,
    keys_refused: AtomicU64,
    /// What the delivery network has signed lately.
    signed: Mutex<Seen>,
}

impl Traffic {
    /// All requests.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Those of addresses that are not allowed, and those that nobody has signed who must.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether nobody is served.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Serves nobody from now on, or everybody again.
    pub fn stop(&self, stopped: bool) {
        self.stopped.store(stopped, Ordering::Relaxed);
    }

    /// Those for which there was no room.
    pub fn turned_away(&self) -> u64 {
        self.turned_away.load(Ordering::Relaxed)
    }

    /// Bytes that have gone out, as far as they are counted in [`sending`](Self::sending).
    pub fn sent(&self) -> u64 {
        self.egress.sent()
    }

    /// Bytes per second that go out, lately.
    pub fn egress(&self) -> u64 {
        self.egress.rate()
    }

    /// Where whoever sends counts its bytes.
    pub fn sending(&self) -> Arc<AtomicU64> {
        self.egress.counter()
    }

    /// Content keys and licences that were given.
    pub fn keys(&self) -> u64 {
        self.keys.load(Ordering::Relaxed)
    }

    /// Those that were refused: to an address or a token.
    pub fn keys_refused(&self) -> u64 {
        self.keys_refused.load(Ordering::Relaxed)
    }
}

/// Who is at the other end of a request's connection: an extension of every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// Whose request it is: an extension of every request that has come through an endpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client(pub(crate) IpAddr);

impl Endpoint {
    /// An endpoint with this policy.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy: Arc::new(policy), traffic: Arc::default() }
    }

    /// Whether it is reached over TLS only.
    pub(crate) fn is_tls(&self) -> bool {
        self.policy.tls
    }

    /// What has come through it.
    #[must_use]
    pub fn traffic(&self) -> Arc<Traffic> {
        Arc::clone(&self.traffic)
    }

    /// `router` behind it.
    pub(crate) fn guard(self, mut router: Router, clock: Clock) -> Router {
        let texts = [
            ("/clientaccesspolicy.xml", &self.policy.client_access_policy),
            ("/crossdomain.xml", &self.policy.cross_domain_policy),
        ];
        for (path, text) in texts {
            if let Some(text) = text.clone() {
                router = router.route(path, get(move || async move { xml(text) }));
            }
        }
        router.layer(axum::middleware::from_fn_with_state((self, clock), pass))
    }

    /// Why a request does not come through, if it does not.
    fn refusal(&self, client: Option<IpAddr>, request: &Request, clock: &Clock) -> Option<Response> {
        let Self { policy, traffic } = self;
        let refuse = |why: &'static str| {
            traffic.refused.fetch_add(1, Ordering::Relaxed);
            Some((StatusCode::FORBIDDEN, why).into_response())
        };
        if !policy.allow.is_empty() && !client.is_some_and(|client| policy.allow.include(client)) {
            return refuse("this address is not allowed here");
        }
        if !policy.signing.is_empty() && !self.is_signed(request, clock.now() / media::NANOS) {
            return refuse("requests come through the delivery network only");
        }
        if traffic.is_stopped() {
            return Some(unavailable("this endpoint is stopped"));
        }
        let room = policy.egress.map_or(Room::Free, |cap| traffic.egress.room(cap));
        let uri = request.uri();
        let turned_away = match room {
            Room::Free => false,
            Room::Full => is_beginning(uri.path(), uri.query()),
            Room::Over => true,
        };
        turned_away.then(|| {
            traffic.turned_away.fetch_add(1, Ordering::Relaxed);
            unavailable("as much is sent as may be; try again")
        })
    }

    fn is_signed(&self, request: &Request, now: u64) -> bool {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let signed = header(g2o::DATA).zip(header(g2o::SIGN));
        signed.is_some_and(|(data, sign)| {
            let mut seen = self.traffic.signed.lock().unwrap_or_else(PoisonError::into_inner);
            g2o::is_signed(&self.policy.signing, data, sign, target, now) && seen.is_new(sign, now)
        })
    }

    /// Whose request it is.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all("x-forwarded-for").iter();
        // What is no text ends the belief.
        let told: Vec<&str> = forwarded.map(|line| line.to_str().unwrap_or("?")).collect();
        access::client(peer, told.into_iter(), &self.policy.trusted_proxies)
    }
}

fn unavailable(why: &'static str) -> Response {
    let headers = [(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER))];
    (StatusCode::SERVICE_UNAVAILABLE, headers, why).into_response()
}

async fn pass(
    State((endpoint, clock)): State<(Endpoint, Clock)>,
    mut request: Request,
    next: Next,
) -> Response {
    let Endpoint { policy, traffic } = &endpoint;
    traffic.requests.fetch_add(1, Ordering::Relaxed);
    let peer = request.extensions().get::<Peer>();
    let client = peer.map(|Peer(peer)| endpoint.client(peer.ip(), request.headers()));
    if let Some(mut refusal) = endpoint.refusal(client, &request, &clock) {
        refusal.headers_mut().insert(header::CACHE_CONTROL, respond::Keep::Not.header());
        respond::allow_other_sites(refusal.headers_mut());
        return refusal;
    }
    if let Some(client) = client {
        request.extensions_mut().insert(Client(client));
    }
    let gives_key = request.uri().path().starts_with("/keys/");
    let mut response = next.run(request).await;
    match response.status() {
        StatusCode::OK if gives_key => traffic.keys.fetch_add(1, Ordering::Relaxed),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS if gives_key => {
            traffic.keys_refused.fetch_add(1, Ordering::Relaxed)
        }
        _ => 0,
    };
    if let Some(most) = policy.max_age {
        shorten(response.headers_mut(), most.as_secs());
    }
    response
}

/// Lets nothing be kept for more than so many seconds.
fn shorten(headers: &mut HeaderMap, most: u64) {
    let age =
        headers.get(header::CACHE_CONTROL).and_then(|control| control.to_str().ok()).and_then(|control| {
            control.split(',').find_map(|word| word.trim().strip_prefix("max-age=")?.parse::<u64>().ok())
        });
    if age.is_some_and(|age| age > most) {
        headers.insert(header::CACHE_CONTROL, respond::Keep::Seconds(most).header());
    }
}

fn xml(text: String) -> Response {
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("text/xml"))];
    (headers, text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_longer_ages_are_shortened() {
        for (before, after) in [
            ("public, max-age=31536000, immutable", "public, max-age=60"),
            ("public, max-age=60", "public, max-age=60"),
            ("public, max-age=1", "public, max-age=1"),
            ("no-cache", "no-cache"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(before));
            shorten(&mut headers, 60);
            assert_eq!(headers[header::CACHE_CONTROL], after);
        }
    }
}
