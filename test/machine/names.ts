import { builtProgram, type Host, type Market, type Program } from '../world/index.js'

/**
 * A name server on the internet's host, which is the resolver of whole machines and of their provider. Every name has the IPv4
 * address of one host.
 *
 * @returns Prints a line for each question: the name, and the address that it came from.
 */
export async function openNameServer({ internet }: Market, { address }: Host): Promise<Program> {
  const server = internet.host.start([process.execPath, builtProgram('machine/nameServer.js'), address])
  await server.line(/listening/)
  return server
}
