import { EventEmitter } from 'node:events'

export { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** The end of a connection as its owner sees it: an address, and whether it still stands. */
export class Socket extends EventEmitter {
  remotePort = 0
  /** Makes a websocket of a connection that a server took. */
  upgrade?: () => unknown
  constructor(
    readonly remoteAddress: string,
    readonly certificate: Buffer = Buffer.alloc(0),
  ) {
    super()
  }
  destroy(): this {
    this.emit('close')
    return this
  }
}

const unmodelled = (name: string) => (): never => {
  throw new Error(`The simulation has no ${name}.`)
}
export const connect = unmodelled('connect')
/** A control socket, which nobody asks here. */
export const createServer = () =>
  Object.assign(new EventEmitter(), {
    listen: (_path: string, done: () => void) => done(),
    close: (done: () => void) => done(),
  })
export const createConnection = unmodelled('createConnection')
