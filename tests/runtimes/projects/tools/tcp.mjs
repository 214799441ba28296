// A TCP transport of one's own: sockets of whatever runtime this is, in the shape that streams have.
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import * as synced from 'synced-memory/edge';
import { workersTcp } from 'synced-memory/transports/workers-tcp';
import { exercise } from './exercise.mjs';

const port = Number(process.argv[2]);
const socket = ({ hostname, port }) => Duplex.toWeb(connect(port, hostname));
const transport = () => workersTcp({ hostname: '127.0.0.1', port, connect: socket });
console.log(await exercise(synced, () => ({ transport: transport() })));
