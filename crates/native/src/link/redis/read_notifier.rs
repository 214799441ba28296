//! A callback that runs when bytes have been read from a socket, before they are parsed: it wakes the thread that waits for
//! the reply.
use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Runs a callback whenever bytes have been read from a socket, before anything parses them. Clones share the callback,
/// which can be set once.
#[derive(Clone, Default)]
pub(super) struct ReadNotifier(Arc<Reads>);

#[derive(Default)]
struct Reads {
    callback: OnceLock<Box<dyn Fn() + Send + Sync>>,
    first_byte: OnceLock<u8>,
}

impl ReadNotifier {
    /// Set the callback. Later calls change nothing.
    pub(super) fn set(&self, callback: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.callback.set(Box::new(callback));
    }

    /// The first byte that was read. None if nothing was read.
    pub(super) fn first_byte(&self) -> Option<u8> {
        self.0.first_byte.get().copied()
    }

    fn notify(&self, bytes: &[u8]) {
        if let Some(first) = bytes.first() {
            self.0.first_byte.get_or_init(|| *first);
        }
        if let Some(callback) = self.0.callback.get() {
            callback();
        }
    }
}

/// A socket with a [`ReadNotifier`].
pub(super) struct NotifyingSocket<S> {
    socket: S,
    notifier: ReadNotifier,
}

impl<S> NotifyingSocket<S> {
    /// A socket that runs the callback of this notifier.
    pub(super) fn new(socket: S, notifier: ReadNotifier) -> Self {
        Self { socket, notifier }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for NotifyingSocket<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.notifier.notify(&buffer.filled()[before..]);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for NotifyingSocket<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;

    #[test]
    fn the_callback_runs_when_bytes_were_read() {
        let calls = Arc::new(AtomicUsize::new(0));
        let notifier = ReadNotifier::default();
        let mut bytes = [0; 4];
        let mut read = |available: &[u8]| {
            let mut socket = pin!(NotifyingSocket::new(available, notifier.clone()));
            let mut buffer = ReadBuf::new(&mut bytes);
            assert!(socket.as_mut().poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer).is_ready());
            buffer.filled().len()
        };
        assert_eq!(read(b"+OK"), 3, "no callback is set yet");
        let counter = Arc::clone(&calls);
        notifier.set(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!((read(b"+OK"), calls.load(Ordering::Relaxed)), (3, 1));
        assert_eq!(notifier.first_byte(), Some(b'+'));
        assert_eq!((read(b""), calls.load(Ordering::Relaxed)), (0, 1), "the end of the stream is no bytes");
    }
}
