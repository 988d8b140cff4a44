import { readFileSync, rmSync } from 'node:fs'
import { mkdir, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { applyIp, runCommand } from '@pontage/shared/node'
import { eventually, type Host, type Market, type Program } from '../world/index.js'
import { Agent, type Answer } from './agent.js'
import { standingImage } from './image.js'
import { packageDisk } from './packageDisk.js'
import { Qmp } from './qmp.js'
import { machineFolder } from './recipe.js'

/** Emulated, a machine needs a minute where another takes seconds. */
const bootMs = 300_000

/** A whole machine with a kernel and an init of its own, on the line of a host of the world, whose addresses it has. */
export interface Machine {
  readonly host: Host
  /** Runs a script with bash as root and gives its standard output. @throws Error when it fails, with what it said. */
  run(script: string, timeoutMs?: number): Promise<string>
  /** As `run`, however it ends. */
  attempt(script: string, timeoutMs?: number): Promise<Answer>
  /** Takes the power away, as if somebody pulled the plug. */
  cut(): Promise<void>
  /** Presses the power button, and waits until the machine has shut down and is off. */
  shutDown(): Promise<void>
  /** Puts it to sleep, its memory kept, as closing its lid does; waits until it sleeps. */
  suspend(): Promise<void>
  /** Wakes it, and waits until it takes commands. */
  wake(): Promise<void>
  /** Boots it on the disk as it is now, and waits until it takes commands. */
  powerOn(): Promise<void>
  readonly qmp: Qmp
  /** What the machine sent since it was last powered on, each packet as tcpdump prints it, captured outside the machine. */
  sent(filter: string): Promise<string[]>
  /** What the kernel and init wrote to the console. */
  console(): string
  destroy(): Promise<void>
}

let made = 0

/** Makes a machine in the place of a host: its namespace becomes a bare switch between the machine and the line. It is off. */
export async function makeMachine(market: Market, host: Host): Promise<Machine> {
  const image = standingImage()
  if (image === undefined) throw new Error('There is no image of a machine: run npm run test:machine.')
  await mkdir(machineFolder, { recursive: true })
  const folder = await mkdtemp(join(machineFolder, 'run-'))
  made += 1
  const mac = `52:54:00:70:6f:${made.toString(16).padStart(2, '0')}`
  const disk = join(folder, 'disk.qcow2')
  await runCommand(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', image.disk, '-F', 'raw', disk])
  await layLine(host)
  const words = [
    // Of q35 the firmware forgets the power registers at the first wake-up: it cannot sleep again. A simple processor is emulated faster.
    ...[
      '-machine',
      'pc',
      ...(hasKvm() ? ['-accel', 'kvm', '-cpu', 'host'] : ['-accel', 'tcg', '-cpu', 'Nehalem']),
    ],
    ...['-smp', '2', '-m', '3072'],
    ...['-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-kernel', image.kernel, '-initrd', image.initrd],
    ...[
      '-append',
      `root=/dev/vda rw console=ttyS0 quiet mitigations=off net.ifnames=0 machine.line=${lineOf(market, host)}`,
    ],
    ...['-drive', `file=${disk},if=virtio,cache=writeback`],
    ...['-drive', `file=${packageDisk},if=virtio,format=raw,readonly=on`],
    ...['-netdev', `tap,id=line,ifname=${tap},script=no,downscript=no,vnet_hdr=off`],
    ...['-device', `virtio-net-pci,netdev=line,mac=${mac}`, '-device', 'virtio-rng-pci'],
    ...[
      '-device',
      'virtio-serial-pci',
      '-chardev',
      `socket,id=agent,path=${folder}/agent,server=on,wait=off`,
    ],
    ...['-device', 'virtserialport,chardev=agent,name=machine'],
    ...['-serial', `file:${folder}/console`, '-qmp', `unix:${folder}/qmp,server=on,wait=off`],
  ]
  let boots = 0
  let running: { program: Program; agent: Agent; qmp: Qmp } | undefined
  const now = () => {
    if (running === undefined) throw new Error('The machine is off.')
    return running
  }
  const ended = () => {
    running?.agent.close()
    running?.qmp.close()
    running = undefined
  }
  const machine: Machine = {
    host,
    get qmp() {
      return now().qmp
    },
    async powerOn() {
      boots += 1
      const dump = ['-object', `filter-dump,id=dump,netdev=line,file=${folder}/line-${boots}.pcap`]
      rmSync(join(folder, 'agent'), { force: true })
      rmSync(join(folder, 'qmp'), { force: true })
      const rtc = ['-rtc', `base=${new Date(market.now()).toISOString().slice(0, 19)},clock=host`]
      const program = host.start(['qemu-system-x86_64', ...words, ...rtc, ...dump])
      const open = <T>(what: string, connect: () => Promise<T>) =>
        eventually(`QEMU opened ${what}`, () => connect().catch(() => undefined))
      const qmp = await open('its control socket', () => Qmp.connect(join(folder, 'qmp')))
      const agent = await open('the port of the agent', () => Agent.connect(join(folder, 'agent')))
      running = { program, agent, qmp }
      await within(bootMs, agent.ready, () => `The machine did not boot:\n${machine.console().slice(-4_000)}`)
    },
    attempt: (script, timeoutMs = 60_000) => now().agent.run(script, timeoutMs),
    async run(script, timeoutMs) {
      const { code, stdout, stderr } = await machine.attempt(script, timeoutMs)
      if (code !== 0) throw new Error(`The machine ended with ${code}: ${script}\n${stdout}${stderr}`)
      return stdout.trim()
    },
    async cut() {
      const { program } = now()
      await program.stop('SIGKILL')
      ended()
    },
    async shutDown() {
      const { program, qmp } = now()
      await qmp.execute('system_powerdown')
      await within(
        bootMs,
        program.ended,
        () => `The machine did not shut down:\n${machine.console().slice(-4_000)}`,
      )
      ended()
    },
    async suspend() {
      const { qmp } = now()
      let refused: string | undefined
      // It sleeps before it can answer.
      machine.attempt('systemctl suspend', 2 * bootMs).then(
        ({ code, stderr }) => {
          if (code !== 0) refused = stderr
        },
        () => undefined,
      )
      const sleeps = async () => {
        if (refused !== undefined) throw new Error(`The machine does not go to sleep: ${refused}`)
        return (await qmp.execute<{ status: string }>('query-status')).status === 'suspended'
      }
      await eventually('the machine sleeps', sleeps, bootMs)
    },
    async wake() {
      await now().qmp.execute('system_wakeup')
      // Until then it does not go to sleep again.
      await machine.run(
        'until [ "$(systemctl is-active systemd-suspend)" = inactive ]; do sleep 0.2; done',
        bootMs,
      )
    },
    async sent(filter) {
      const read = ['tcpdump', '-n', '-r', join(folder, `line-${boots}.pcap`)]
      const { stdout } = await runCommand([...read, `ether src ${mac} and (${filter})`])
      return stdout.split('\n').filter((line) => line !== '')
    },
    console: () => readFileSync(join(folder, 'console'), 'utf8'),
    async destroy() {
      if (running !== undefined) await machine.cut()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return machine
}

/** Whether this machine's processor lets another run at its own speed; the device file alone says nothing. */
export const hasKvm = (): boolean => / (vmx|svm) /.test(readFileSync('/proc/cpuinfo', 'utf8'))

const tap = 'tap0'

/** Takes the host's addresses off its line, and connects that with what QEMU plugs in. */
const layLine = ({ netns, device }: Host): Promise<void> =>
  applyIp(
    [
      ['address', 'flush', 'dev', device],
      ['link', 'add', 'dev', 'switch', 'type', 'bridge'],
      ['link', 'set', 'dev', 'switch', 'addrgenmode', 'none'],
      ['link', 'set', 'dev', device, 'master', 'switch'],
      ['tuntap', 'add', 'dev', tap, 'mode', 'tap'],
      ['link', 'set', 'dev', tap, 'addrgenmode', 'none'],
      ['link', 'set', 'dev', tap, 'master', 'switch'],
      ['link', 'set', 'dev', tap, 'up'],
      ['link', 'set', 'dev', 'switch', 'up'],
    ],
    { netns },
  )

/** Addresses and routers as the world has them, for the machine's own manager of networks. */
const lineOf = ({ internet }: Market, { address, address6 }: Host): string =>
  [address, '192.0.2.1', address6, 'fe80::1', internet.host.address].join(',')

/** @throws Error with `problem` when it takes longer. */
async function within<T>(ms: number, awaited: Promise<T>, problem: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(problem())), ms)
  })
  return Promise.race([awaited, late]).finally(() => clearTimeout(timer))
}
