//! The commit script on a server answers as every backend does.

#[path = "../../../core/tests/backend/answers.rs"]
mod answers;

use crate::server::RedisServer;
use redis::{Connection, Value};
use synced_memory_core::command::{Answer, Command};
use synced_memory_core::resp::{Args, Exchange, Next, Reply};

#[test]
fn the_commit_script_keeps_the_contract() {
    let server = RedisServer::start();
    let mut connection = redis::Client::open(server.url()).unwrap().get_connection().unwrap();
    for rule in answers::RULES {
        redis::cmd("FLUSHALL").exec(&mut connection).unwrap();
        rule(&mut |command| execute(&mut connection, command));
    }
}

fn execute(connection: &mut Connection, command: &Command) -> Answer {
    let (mut exchange, mut commands) = Exchange::new(command.clone());
    loop {
        let replies = commands.iter().map(|args| send(connection, args)).collect();
        match exchange.take(replies, &mut false) {
            Next::Done(answer) => return answer,
            Next::Again(again, in_full) => (exchange, commands) = (again, in_full),
        }
    }
}

fn send(connection: &mut Connection, args: &Args) -> Reply {
    match redis::Cmd::new().arg(args).query(connection) {
        Ok(value) => reply(value),
        Err(error) => Reply::Error(format!("{} {}", error.code().unwrap_or("ERR"), error.detail().unwrap_or(""))),
    }
}

fn reply(value: Value) -> Reply {
    match value {
        Value::Int(number) => Reply::Int(number),
        Value::BulkString(bytes) => Reply::Text(bytes),
        Value::SimpleString(text) => Reply::Text(text.into_bytes()),
        Value::Array(items) => Reply::List(items.into_iter().map(reply).collect()),
        Value::Nil => Reply::Nil,
        other => panic!("a reply of an unexpected kind: {other:?}"),
    }
}
