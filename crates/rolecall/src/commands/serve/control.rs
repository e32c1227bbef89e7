//! The socket in the data directory, by which the operator asks a server that holds the store. Whoever may open
//! it may read the master key beside it: there is nothing to authorize beyond that, and everything is recorded.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rolecall_server::record::{Record, Recorder};
use rolecall_server::{Clock as _, SystemClock};
use rolecall_state::{SystemEntropy, Uuid};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, mpsc};

use crate::commands::task::{CONTROL, Frame, Place, Task, TaskError, perform, read_task, write_frame};

/// How long a client may take to say what it wants, or to read a piece of the answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Answers whoever comes, one after the other.
pub(super) async fn run(listener: UnixListener, place: Place, recorder: Arc<Recorder>) {
    let owner = std::fs::metadata(place.data.join(CONTROL)).map(|file| file.uid()).unwrap_or_default();
    let place = Arc::new(place);
    let one_at_a_time = Arc::new(Mutex::new(()));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(cause) => {
                tracing::warn!(%cause, "the socket in the data directory");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        let (place, recorder, turn) = (place.clone(), recorder.clone(), one_at_a_time.clone());
        tokio::spawn(async move {
            let answered = answer(stream, owner, &place, &recorder, &turn).await;
            if let Err(cause) = answered {
                tracing::warn!(%cause, "somebody at the socket in the data directory was not answered");
            }
        });
    }
}

async fn answer(
    mut stream: UnixStream,
    owner: u32,
    place: &Place,
    recorder: &Recorder,
    turn: &Mutex<()>,
) -> io::Result<()> {
    let peer = stream.peer_cred()?;
    if ![owner, 0].contains(&peer.uid()) {
        return Err(io::Error::other(format!("the user {} is not the owner", peer.uid())));
    }
    let task = within(read_task(&mut stream)).await?;
    let _turn = turn.lock().await;
    let (at, began) = (SystemClock.now(), Instant::now());
    tracing::info!(operation = task.operation(), uid = peer.uid(), "asked by the operator");
    let done = relay(&task, place, &mut stream).await;
    let error = done.as_ref().err().map(|cause| ("Failed".into(), cause.to_string().into()));
    recorder.add(Record {
        request_id: Uuid::random(&SystemEntropy),
        at,
        took: began.elapsed(),
        service: "rolecall",
        operation: task.operation().into(),
        region: place.settings.text("region").into(),
        source_ip: None,
        user_agent: Some(format!("operator, user {}", peer.uid()).into()),
        caller: None,
        status: if error.is_some() { 500 } else { 200 },
        error,
        evidence: Vec::new(),
    });
    let last = match done {
        Ok(said) => Frame::Done(said),
        Err(cause) => Frame::Failed(cause.to_string()),
    };
    within(write_frame(&mut stream, &last)).await
}

/// Does the task, and sends on what it gives. A client that reads no more ends it.
async fn relay(task: &Task, place: &Place, stream: &mut UnixStream) -> Result<String, TaskError> {
    let (out, mut written) = mpsc::channel(2);
    let performing = async { (perform(task, place, &out).await, drop(out)).0 };
    let sending = async {
        while let Some(bytes) = written.recv().await {
            within(write_frame(stream, &Frame::Data(bytes))).await?;
        }
        Ok::<_, TaskError>(())
    };
    tokio::try_join!(performing, sending).map(|(said, ())| said)
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
