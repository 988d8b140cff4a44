import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { applyIp, CommandFailed, runCommand } from '@pontage/shared/node'

/** Where a probe's packets go: whatever answers there will do. */
export interface ProbeTarget {
  readonly host: string
  readonly port: number
  readonly transport: 'tcp' | 'udp'
}

/** Both ends of a probe's line: ours, and that of the machine it stands for. */
export interface ProbeLine {
  readonly device: string
  readonly near4: string
  readonly far4: string
  readonly near6: string
  readonly far6: string
}

/** Addresses that nobody else has (RFC 7335, and our own ULA prefix), different for each tunnel. */
export function probeLine(tunnel: string): ProbeLine {
  const place = [...tunnel].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 60, 0)
  const [near, far] = [128 + 2 * place, 129 + 2 * place]
  return {
    device: `${tunnel}p`,
    near4: `192.0.0.${near}`,
    far4: `192.0.0.${far}`,
    near6: `fd50:6f6e:7467:ffff::${near}`,
    far6: `fd50:6f6e:7467:ffff::${far}`,
  }
}

/** Each of the two programs that it takes may need as long to start: a machine may be busy, or slow. */
const patienceMs = 30_000
/** Packets are sent several times: the first ones may come before both ends of the line know each other. */
const sendEveryMs = 400
const sendForMs = 2_000

/**
 * Sends packets into this machine's forwarding as a consumer would: from a namespace of their own, over a line of their
 * own. What became of them the provider's rules have counted. Takes a little more than two seconds once all has started.
 *
 * @returns Why it could not be tried; undefined when it was.
 */
export async function sendProbe(
  line: ProbeLine,
  targets: readonly ProbeTarget[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  let problem = ''
  // Without the right to make one here, one of a user namespace of its own will do.
  for (const flags of [['--net'], ['--user', '--keep-caps', '--net']]) {
    const child = spawn('unshare', [...flags, 'sh', '-c', inside(line, targets)], { detached: true })
    try {
      await ready(child)
      await plugIn(line, child.pid ?? 0)
      child.stdin?.end('go\n')
      if (await endsInTime(child, signal)) return undefined
      return signal?.aborted ? notNeeded : `What sends its packets did not end within ${patienceMs} ms.`
    } catch (error) {
      if (signal?.aborted) return notNeeded
      problem = (error as Error).message
    } finally {
      child.kill('SIGKILL')
      // With its namespace the line goes, but some time later.
      await removeLine(line).catch(() => undefined)
    }
  }
  return `No namespace could be made for it (${problem}).`
}

const notNeeded = 'It was not needed any more.'

/** Takes away what a probe may have left. */
export const removeProbe = (tunnel: string): Promise<void> => removeLine(probeLine(tunnel))

/** That there is none is no failure. */
const removeLine = async ({ device }: Pick<ProbeLine, 'device'>): Promise<void> => {
  await applyIp([['link', 'delete', 'dev', device]]).catch((error) => {
    if (!(error instanceof CommandFailed)) throw error
  })
}

/** What runs in the namespace: it waits for its line, and sends for a while. */
function inside({ device, near4, far4, near6, far6 }: ProbeLine, targets: readonly ProbeTarget[]): string {
  const commands = [
    `address add ${far4}/32 dev ${device}`,
    `link set dev ${device} up`,
    `route add ${near4} dev ${device}`,
    `route add default via ${near4} dev ${device}`,
    `-6 address add ${far6}/128 dev ${device} nodad`,
    `-6 route add ${near6} dev ${device}`,
    `-6 route add default via ${near6} dev ${device}`,
  ]
  const ip = commands.map((command) => `ip ${command}`).join('; ')
  return `echo ready; read go || exit 1; { ${ip}; } 2>/dev/null; exec '${process.execPath}' -e '${sender(targets)}'`
}

const sender = (targets: readonly ProbeTarget[]): string => `
const question = Buffer.from("0007010000010000000000000000020001", "hex")
const send = () => {
  for (const { host, port, transport } of ${JSON.stringify(targets)})
    if (transport === "tcp") require("node:net").connect(port, host).on("error", () => {})
    else {
      const socket = require("node:dgram").createSocket(host.includes(":") ? "udp6" : "udp4")
      socket.on("error", () => {}).send(question, port, host)
    }
}
send()
setInterval(send, ${sendEveryMs})
setTimeout(() => process.exit(0), ${sendForMs})`

/** Whether a program ends while there is patience, and need of it. */
const endsInTime = (child: ChildProcess, signal?: AbortSignal): Promise<boolean> => {
  const patience = AbortSignal.timeout(patienceMs)
  return once(child, 'exit', { signal: signal ? AbortSignal.any([patience, signal]) : patience }).then(
    () => true,
    () => false,
  )
}

async function ready(child: ChildProcess): Promise<void> {
  const complaint: string[] = []
  child.stderr?.on('data', (text: Buffer) => complaint.push(text.toString()))
  child.stdin?.on('error', () => undefined)
  child.on('error', () => undefined)
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const failed = once(child, 'exit').then(() => {
    throw new Error(complaint.join('').trim() || 'unshare ended')
  })
  failed.catch(() => undefined)
  const late = () => {
    throw new Error(`it was not ready within ${patienceMs} ms`)
  }
  const line = once(lines, 'line', { signal: AbortSignal.timeout(patienceMs) })
  await Promise.race([line.catch(late), failed])
}

/** Lays the line: one end here, the other in the namespace of that process. */
async function plugIn({ device, near4, far4, near6, far6 }: ProbeLine, pid: number): Promise<void> {
  await removeLine({ device })
  await applyIp([
    ['link', 'add', 'dev', device, 'type', 'veth', 'peer', 'name', device, 'netns', String(pid)],
    ['address', 'add', `${near4}/32`, 'dev', device],
    ['link', 'set', 'dev', device, 'up'],
    ['route', 'add', `${far4}/32`, 'dev', device],
  ])
  await applyIp([
    ['address', 'add', `${near6}/128`, 'dev', device, 'nodad'],
    ['route', 'add', `${far6}/128`, 'dev', device],
  ]).catch(() => undefined)
  // In a container it cannot be written, and a new device has what was set for all from outside.
  const forwarding = `/proc/sys/net/ipv4/conf/${device}/forwarding`
  await runCommand(['sh', '-c', `read now <${forwarding}; [ "$now" = 1 ] || echo 1 >${forwarding}`])
}
