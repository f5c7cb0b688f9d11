// Reads messages (JSON lines of {version, text}) on standard input, sends them in order over one connection of
// node-hl7-client, each after the answer to the one before, and prints the answers.
import readline from "node:readline";
import { Client, Message } from "node-hl7-client";

const lines = [];
for await (const line of readline.createInterface({ input: process.stdin })) lines.push(JSON.parse(line));

let answered;
const client = new Client({ host: "127.0.0.1", version: lines[0].version });
const connection = client.createConnection({ port: Number(process.argv[2]) }, async (answer) => answered(answer));
for (const { text } of lines) {
  const answer = new Promise((resolve) => (answered = resolve));
  await connection.sendMessage(new Message({ text }));
  const message = (await answer).getMessage();
  console.log(JSON.stringify({ code: message.get("MSA.1").toString(), id: message.get("MSA.2").toString() }));
}
process.exit(0);
