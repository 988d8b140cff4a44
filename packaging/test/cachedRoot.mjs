import { debianRoot } from '../debianRoot.mjs'

/** What the packages depend on, so that they are installed without a network. */
const dependencies = [
  'wireguard-tools',
  'nftables',
  'iproute2',
  'iputils-ping',
  'systemd',
  'debconf',
  'passwd',
]
const ofUsers = ['sudo', 'curl']

/** A Debian with nothing in it but what the packages depend on, and what their users have. @returns path of the archive */
export const cachedRoot = () =>
  debianRoot('clean', { variant: 'minbase', include: [...dependencies, ...ofUsers] })

if (import.meta.main) console.log(cachedRoot())
