// A storm's calls as an application in node makes them: so many in flight, by AWS's SDK. Prints what it took.
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { NodeHttpHandler } from "@smithy/node-http-handler";

const [name, calls, parallel, accounts] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const requestHandler = new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: parallel } });
const lambda = new LambdaClient({ maxAttempts: 1, requestHandler });
const account = () => 1 + Math.floor(Math.random() * accounts);

let begun = 0;
let committed = 0;

async function work() {
  while (begun < calls) {
    begun += 1;
    const payer = account();
    const payee = (payer % accounts) + 1;
    const Payload = JSON.stringify({ payer_id: payer, payee_id: payee, amount: 1 });
    const answer = await lambda.send(new InvokeCommand({ FunctionName: name, Payload }));
    committed += "balance" in JSON.parse(Buffer.from(answer.Payload).toString()) ? 1 : 0;
  }
}

const [cpu, since] = [process.cpuUsage(), performance.now()];
await Promise.all(Array.from({ length: parallel }, work));
const used = process.cpuUsage(cpu);
console.log(JSON.stringify({ committed, seconds: (performance.now() - since) / 1000, cpu: (used.user + used.system) / 1e6 }));
