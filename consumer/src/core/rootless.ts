/** What a machine has for a tunnel that is made without root. */
export interface RootlessMeans {
  /** Whether the program that carries the packets out is there. */
  readonly pasta: boolean
  readonly tun: 'open' | 'closed' | 'missing'
  /** Why the kernel makes no namespaces for this user; undefined where it does. */
  readonly refusal: string | undefined
  /** The kernel's switches, by their names in sysctl; undefined where there is no such switch. */
  readonly switches: Readonly<Record<RootlessSwitch, number | undefined>>
  /** Bytes that the kernel keeps for a socket whose packets wait; undefined where it does not say. */
  readonly room: number | undefined
}

export const roomSwitch = 'net.core.rmem_default'
/** With the usual 212,992, as many as come in a millisecond of a fast line are too many. */
const roomBytes = 4_194_304

/** Switches that close user namespaces, and the value at which they do not. */
export const rootlessSwitches = {
  'kernel.unprivileged_userns_clone': 1,
  'kernel.apparmor_restrict_unprivileged_userns': 0,
  'user.max_user_namespaces': 10_000,
  'user.max_net_namespaces': 10_000,
  'user.max_pid_namespaces': 10_000,
  'user.max_mnt_namespaces': 10_000,
} as const
export type RootlessSwitch = keyof typeof rootlessSwitches

/**
 * Why no tunnel can be made without root on such a machine, and what makes it possible.
 *
 * @returns undefined where nothing is missing.
 */
export function whyNotRootless({ pasta, tun, refusal, switches }: RootlessMeans): string | undefined {
  if (!pasta)
    return 'The program pasta was not found; it carries the packets where nobody is root. Install the package passt.'
  if (tun === 'missing')
    return '/dev/net/tun is missing. Have it made once: sudo modprobe tun. In a container, give it that device.'
  if (tun === 'closed')
    return '/dev/net/tun cannot be opened by this user. Most systems have it open to everybody: sudo chmod 666 /dev/net/tun.'
  if (refusal === undefined) return undefined
  const closed = (Object.keys(rootlessSwitches) as RootlessSwitch[]).find((name) =>
    closes(name, switches[name]),
  )
  return closed === undefined
    ? `This system makes no namespaces for a user who is not root: ${refusal}.`
    : `This system makes no namespaces for a user who is not root: ${closed} is ${switches[closed]}. Open it: sudo sysctl -w ${closed}=${rootlessSwitches[closed]}.`
}

/** Whether packets of a fast line get lost by UDP on their way through pasta. What is not known is taken for the usual. */
export const losesPackets = (room: number | undefined): boolean => room === undefined || room < roomBytes

/** What makes such a tunnel faster, as a sentence; undefined where nothing is to be done. */
export const whatSpeedsRootless = ({ room }: RootlessMeans): string | undefined =>
  room === undefined || !losesPackets(room)
    ? undefined
    : `It goes over TLS, since UDP would lose packets of a fast line: ${roomSwitch} is ${room}. Give it room: sudo sysctl -w ${roomSwitch}=${roomBytes}.`

/** All but AppArmor's close at zero. */
const closes = (name: RootlessSwitch, value: number | undefined): boolean =>
  value !== undefined && (rootlessSwitches[name] === 0 ? value !== 0 : value === 0)
