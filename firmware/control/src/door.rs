//! The way of a command from whoever asks to the one who decides, and of the answer back.
//!
//! The queue is bounded and nobody waits for a place in it: where it is full the box is [`Refusal::Unavailable`].

use std::time::Duration;

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use crate::{Answer, Command, Gallery, Operation, Refusal};

/// Commands that may wait.
const PLACES: usize = 32;

/// How long an answer is waited for. Granting is quick; what takes its time is an operation.
const PATIENCE: Duration = Duration::from_secs(10);

/// The side of those who ask. Clones share it.
#[derive(Clone, Debug)]
pub struct Door {
    requests: mpsc::Sender<Request>,
    gallery: Gallery,
}

/// The side of the one who decides.
#[derive(Debug)]
pub struct Requests {
    queue: mpsc::Receiver<Request>,
}

/// A command that waits for its answer.
#[derive(Debug)]
pub struct Request {
    /// What is asked.
    pub command: Command,
    reply: oneshot::Sender<Result<Answer, Refusal>>,
}

impl Door {
    /// A door and its other side; what is shown behind it hangs in `gallery`.
    #[must_use]
    pub fn new(gallery: Gallery) -> (Self, Requests) {
        let (requests, queue) = mpsc::channel(PLACES);
        (Self { requests, gallery }, Requests { queue })
    }

    /// Asks, and waits for the answer: ten seconds at most.
    ///
    /// # Errors
    /// The refusal; [`Refusal::Unavailable`] also where the box has no time or goes down. Only where no answer came in
    /// time may the command still be granted.
    pub async fn ask(&self, command: Command) -> Result<Answer, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send(Request { command, reply }).map_err(|error| {
            Refusal::Unavailable(match error {
                mpsc::error::TrySendError::Full(_) => "too many commands are waiting already".to_owned(),
                mpsc::error::TrySendError::Closed(_) => "the box is going down".to_owned(),
            })
        })?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Refusal::Unavailable("the box is going down".to_owned())),
            Err(_) => Err(Refusal::Unavailable(format!(
                "no answer within {} s; it may still be done",
                PATIENCE.as_secs()
            ))),
        }
    }

    /// The operation with this id.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] where there is none, or it is too long ago.
    pub fn operation(&self, id: &str) -> Result<Operation, Refusal> {
        let none = || Refusal::NotFound { what: "operation", id: id.to_owned() };
        self.gallery.operation(id).ok_or_else(none)
    }

    /// All operations that are remembered, the oldest first.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.gallery.operations()
    }
}

impl Requests {
    /// The next command; none when every [`Door`] is gone.
    ///
    /// A command whose asker has given up is left out, so that nothing is done which has been answered with a refusal.
    /// Safe to cancel.
    pub async fn next(&mut self) -> Option<Request> {
        loop {
            let request = self.queue.recv().await?;
            if !request.reply.is_closed() {
                return Some(request);
            }
        }
    }
}

impl Request {
    /// Answers. Whoever asked may be gone by now.
    pub fn answer(self, answer: Result<Answer, Refusal>) {
        let _ = self.reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Builder;

    use super::*;

    fn run(test: impl Future<Output = ()>) {
        Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    fn start(name: &str) -> Command {
        Command::StartChannel(name.to_owned())
    }

    #[test]
    fn a_command_gets_its_answer() {
        run(async {
            let (door, mut requests) = Door::new(Gallery::default());
            let engine = async {
                let request = requests.next().await.unwrap();
                assert_eq!(request.command, start("main"));
                request.answer(Ok(Answer::Done("main".into())));
            };
            let (answer, ()) = tokio::join!(door.ask(start("main")), engine);
            assert_eq!(answer, Ok(Answer::Done("main".into())));
        });
    }

    #[test]
    fn a_closed_or_full_door_is_unavailable_at_once() {
        run(async {
            let (door, requests) = Door::new(Gallery::default());
            let mut asked: Vec<_> = (0..PLACES).map(|_| Box::pin(door.ask(start("a")))).collect();
            for ask in &mut asked {
                assert!(poll_once(ask).await.is_none(), "waits for its answer");
            }
            let full = door.ask(start("b")).await;
            assert_eq!(full, Err(Refusal::Unavailable("too many commands are waiting already".into())));
            drop(requests);
            for ask in asked {
                assert_eq!(ask.await, Err(Refusal::Unavailable("the box is going down".into())));
            }
            assert!(matches!(door.ask(start("c")).await, Err(Refusal::Unavailable(_))));
        });
    }

    #[test]
    fn a_command_whose_asker_is_gone_is_not_done() {
        run(async {
            let (door, mut requests) = Door::new(Gallery::default());
            let mut gone = Box::pin(door.ask(start("gone")));
            assert!(poll_once(&mut gone).await.is_none());
            drop(gone);
            let mut there = Box::pin(door.ask(start("there")));
            assert!(poll_once(&mut there).await.is_none());
            assert_eq!(requests.next().await.unwrap().command, start("there"));
            drop(there);
            drop(door);
            assert!(requests.next().await.is_none());
        });
    }

    #[test]
    fn operations_are_read_from_the_gallery() {
        let gallery = Gallery::default();
        let (door, _requests) = Door::new(gallery.clone());
        let mut operations = crate::Operations::default();
        let begun = operations.begin("start channel", "main", 1, "x");
        gallery.show_operations(operations);
        assert_eq!(door.operation("x"), Ok(begun.clone()));
        assert_eq!(door.operations(), [begun]);
        assert_eq!(door.operation("y"), Err(Refusal::NotFound { what: "operation", id: "y".into() }));
    }

    /// One poll of a future.
    async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
                std::task::Poll::Ready(output) => Some(output),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
