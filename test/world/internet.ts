import type { Host } from './host.js'
import type { Program } from './program.js'
import { builtProgram } from './repository.js'

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** Address the request came from. */
  readonly from: string
}

/** The web server of the world's internet. */
export interface Internet {
  readonly host: Host
  readonly program: Program
  /** URL of a file of this many bytes. */
  fileUrl(size: number): string
  /** URL that answers with the address of whoever asks. */
  readonly addressUrl: string
  requests(): readonly SeenRequest[]
  /** Connections that have ended. */
  closed(): readonly ClosedConnection[]
}

/** A connection that has ended, as the server saw it. */
export interface ClosedConnection {
  readonly from: string
  readonly port: number
  readonly written: number
  /** Whether the other side took all that was written. */
  readonly whole: boolean
}

/** Starts the file server on a host, port 80, and waits until it listens. */
export async function startInternet(host: Host): Promise<Internet> {
  const program = host.start([process.execPath, builtProgram('world/fileServer.js'), '80'])
  await program.line(/"listening"/)
  return {
    host,
    program,
    fileUrl: (size) => `http://${host.at(80)}/file/${size}`,
    addressUrl: `http://${host.at(80)}/address`,
    requests: () => reports(program, 'request'),
    closed: () => reports(program, 'closed'),
  }
}

function reports<T>(program: Program, event: string): T[] {
  return program
    .lines()
    .map((line) => JSON.parse(line) as T & { event: string })
    .filter((report) => report.event === event)
}
