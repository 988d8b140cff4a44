import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository } from '../world/repository.js'

/** Debian packages of the machine, beside what every Debian has. */
export const packages = [
  ...['systemd-sysv', 'systemd-resolved', 'dbus', 'udev', 'kmod', 'procps', 'linux-image-cloud-amd64'],
  ...['iproute2', 'iputils-ping', 'nftables', 'wireguard-tools', 'iptables', 'ufw', 'firewalld'],
  'network-manager',
  ...['curl', 'ca-certificates', 'tcpdump', 'python3-minimal'],
]

/** Files that the machine gets on top: they name their place in the machine by their place here. */
export const guestFiles = join(repository, 'test', 'machine', 'guest')

/** Units that are switched on, and those that have nothing to do in a machine without a person. */
export const units = {
  enabled: ['systemd-networkd', 'systemd-resolved', 'machine-agent', 'machine-line'],
  masked: [
    ...['getty@tty1', 'serial-getty@ttyS0', 'e2scrub_reap', 'apt-daily.timer', 'apt-daily-upgrade.timer'],
    ...['e2scrub_all.timer', 'fstrim.timer', 'dpkg-db-backup.timer', 'ufw', 'firewalld'],
    ...['NetworkManager', 'NetworkManager-wait-online', 'NetworkManager-dispatcher', 'wpa_supplicant'],
    'systemd-networkd-wait-online',
  ],
}

/** Everything that lies in one folder, which `--clean` removes. */
export const machineFolder = join(repository, '.pontage', 'machine')

/** Names an image by what it is made of, and by the release of Debian it comes from. */
export function recipeDigest(release: string): string {
  const hash = createHash('sha256').update(JSON.stringify([release, packages, units]))
  for (const name of readdirSync(guestFiles, { recursive: true, encoding: 'utf8' }).sort())
    hash.update(name).update(contentOf(join(guestFiles, name)))
  return hash.digest('hex').slice(0, 16)
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // A folder.
  }
}
