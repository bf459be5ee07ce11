// The parts of the peers that the bench uses. They are declared here because their packages are installed only by
// `npm run bench`, and the bench is type-checked without them.

declare module "ioredis" {
  export class Redis {
    constructor(port: number, host: string);
    sendCommand(command: unknown, stream?: unknown): unknown;
  }
}

declare module "redlock-universal" {
  import type { Redis } from "ioredis";
  export interface RedisAdapter {
    ping(): Promise<string>;
  }
  export const IoredisAdapter: new (client: Redis) => RedisAdapter;
  export class LockAcquisitionError extends Error {}
  export interface LockHandle {
    key: string;
  }
  export interface RedisLock {
    acquire(): Promise<LockHandle>;
    release(handle: LockHandle): Promise<boolean>;
    extend(handle: LockHandle, ttl: number): Promise<boolean>;
    using<T>(work: () => Promise<T>): Promise<T>;
  }
  export function createLock(config: {
    adapter: RedisAdapter;
    key: string;
    ttl: number;
    retryAttempts?: number;
  }): RedisLock;
}

declare module "redis-semaphore" {
  import type { Redis } from "ioredis";
  export class Mutex {
    constructor(client: Redis, key: string, options: { lockTimeout: number; acquireAttemptsLimit?: number });
    acquire(signal?: AbortSignal): Promise<void>;
    tryAcquire(): Promise<boolean>;
    release(): Promise<void>;
  }
}

declare module "async-mutex" {
  export class Mutex {
    isLocked(): boolean;
    acquire(): Promise<() => void>;
    runExclusive<T>(work: () => Promise<T>): Promise<T>;
  }
}

declare module "linkedom" {
  export function parseHTML(html: string): { document: unknown };
}

declare module "@observablehq/plot" {
  export interface Mark {
    readonly mark?: undefined;
  }
  export interface Drawing {
    readonly outerHTML: string;
    setAttribute(name: string, value: string): void;
  }
  export function plot(options: object): Drawing;
  export function barX(data: readonly object[], options: object): Mark;
  export function line(data: readonly object[], options: object): Mark;
  export function dot(data: readonly object[], options: object): Mark;
  export function text(data: readonly object[], options: object): Mark;
  export function ruleX(values: readonly number[], options?: object): Mark;
}
