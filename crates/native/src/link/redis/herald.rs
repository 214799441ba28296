//! A socket that says when something has come.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Called as soon as bytes are there, before anybody looks what they are; nothing is until it is set.
pub(super) type Herald = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

pub(super) struct Heralded<S> {
    socket: S,
    herald: Herald,
}

impl<S> Heralded<S> {
    pub(super) fn new(socket: S, herald: Herald) -> Self {
        Self { socket, herald }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heralded<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(context, buffer);
        if buffer.filled().len() > before
            && let Some(call) = self.herald.get()
        {
            call();
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Heralded<S> {
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
    fn it_calls_when_there_is_something() {
        let calls = Arc::new(AtomicUsize::new(0));
        let herald = Herald::default();
        let mut bytes = [0; 4];
        let mut read = |bytes_there: &[u8]| {
            let mut socket = pin!(Heralded::new(bytes_there, Arc::clone(&herald)));
            let mut buffer = ReadBuf::new(&mut bytes);
            assert!(socket.as_mut().poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer).is_ready());
            buffer.filled().len()
        };
        assert_eq!(read(b"+OK"), 3);
        let counter = Arc::clone(&calls);
        let count = Box::new(move || {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        assert!(herald.set(count).is_ok());
        assert_eq!((read(b"+OK"), calls.load(Ordering::Relaxed)), (3, 1));
        // The end.
        assert_eq!((read(b""), calls.load(Ordering::Relaxed)), (0, 1));
    }
}
