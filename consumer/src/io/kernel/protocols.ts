/** Protocols as rules of routing name them: by number, since "ip" looks names up in a file that a small system lacks. */
export const protocols = { icmp: '1', tcp: '6', udp: '17', icmp6: '58' } as const
