import { Redis } from "ioredis";

/** A client that counts the commands it sends. */
export class CountedRedis {
  readonly client: Redis;
  commands = 0;

  constructor(port: number) {
    this.client = new Redis(port, "127.0.0.1");
    const send = this.client.sendCommand.bind(this.client);
    this.client.sendCommand = (command, stream) => {
      this.commands += 1;
      return send(command, stream);
    };
  }
}
