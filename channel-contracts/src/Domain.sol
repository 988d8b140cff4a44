// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title The EIP-712 domain {Pontage, 1, chain, this contract}.
/// @dev Leaner than OpenZeppelin's, whose strings can be read back from the chain: PaymentChannels has no room for that.
abstract contract Domain {
    bytes32 private constant _TYPE =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");

    uint256 private immutable _CHAIN;
    bytes32 private immutable _SEPARATOR;

    constructor() {
        _CHAIN = block.chainid;
        _SEPARATOR = _separator();
    }

    /// @notice What a signature under this domain signs.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        // A chain that split off later has an id of its own, and so other digests.
        bytes32 separator = block.chainid == _CHAIN ? _SEPARATOR : _separator();
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }

    function _separator() private view returns (bytes32) {
        return
            keccak256(abi.encode(_TYPE, keccak256("Pontage"), keccak256("1"), block.chainid, address(this)));
    }
}
