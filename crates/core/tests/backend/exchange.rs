//! Commands and messages as they pass between a session and a server. Included by the tests of each server.

use synced_memory_core::protocol::{
    Answer, Command, CommitForm, Delta, DeltaMessage, PendingCommand, ReplyOutcome, RespCommand, RespReply,
    decode_delta_message,
};

/// Executes an abstract command by RESP commands, which `send` takes to the server one by one, with scripts in this form.
pub(crate) fn execute(command: &Command, form: CommitForm, mut send: impl FnMut(&RespCommand) -> RespReply) -> Answer {
    let (mut pending, mut commands) = PendingCommand::new(command.clone(), form);
    loop {
        let replies = commands.iter().map(&mut send).collect();
        match pending.take_replies(replies, &mut false) {
            ReplyOutcome::Answered(answer) => return answer,
            ReplyOutcome::Resend(resent, in_full) => (pending, commands) = (resent, in_full),
        }
    }
}

/// The deltas of a message that the scripts published.
pub(crate) fn deltas_of(message: &[u8]) -> Vec<Delta> {
    match decode_delta_message(message) {
        Some(DeltaMessage::Deltas(deltas)) => deltas,
        other => panic!("not a message of deltas: {other:?}"),
    }
}
