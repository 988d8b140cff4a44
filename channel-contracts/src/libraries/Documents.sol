// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Deposit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Unbonding
} from "../interfaces/IIdentityRegistry.sol";
import {Opening} from "../interfaces/IChannelMoney.sol";
import {Proposal, SessionTerms} from "../interfaces/IMarketplace.sol";

/// @notice EIP-712 struct hashes of the signed documents, field by field as docs/protocol.md lists them.
library Documents {
    bytes32 internal constant MICRO_PROMISE =
        keccak256("MicroPromise(bytes32 channelId,address provider,uint256 amount)");
    bytes32 internal constant GUARANTEE =
        keccak256("Guarantee(bytes32 channelId,address provider,uint256 ceiling,uint64 expiresAt)");
    bytes32 internal constant HUB_PROMISE =
        keccak256("HubPromise(address hub,address provider,uint256 total)");
    bytes32 internal constant RELEASE =
        keccak256("Release(address provider,bytes32 channelId,uint256 amount,uint64 upTo)");
    bytes32 internal constant OPENING = keccak256(
        "Opening(address consumer,address hub,uint48 channelNonce,uint256 amount,uint256 relayFee,uint64 deadline)"
    );
    bytes32 internal constant EXIT_REQUEST =
        keccak256("ExitRequest(bytes32 channelId,uint256 relayFee,uint64 deadline)");
    bytes32 internal constant COLLECTION =
        keccak256("Collection(address owner,address to,uint256 relayFee,uint256 nonce,uint64 deadline)");
    bytes32 internal constant REGISTRATION = keccak256(
        "Registration(address identity,uint8 roles,uint256 stake,address beneficiary,string url,uint256 relayFee,uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant DEPOSIT = keccak256(
        "Deposit(address consumer,address hub,uint48 channelNonce,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant REPAYMENT = keccak256(
        "Repayment(address consumer,address hub,uint48 channelNonce,address provider,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant UNBONDING = keccak256(
        "Unbonding(address identity,uint256 amount,uint256 relayFee,uint256 nonce,uint64 deadline)"
    );
    bytes32 internal constant STAKE_WITHDRAWAL =
        keccak256("StakeWithdrawal(address identity,uint256 relayFee,uint256 nonce,uint64 deadline)");
    bytes32 internal constant SESSION_TERMS = keccak256(
        "SessionTerms(address provider,address consumer,bytes32 channelId,uint256 pricePerMegabyte,uint256 pricePerHour,uint256 creditBytes,uint64 issuedAt,uint64 validUntil)"
    );
    bytes32 internal constant PROPOSAL = keccak256(
        "Proposal(address provider,string service,uint256 pricePerMegabyte,uint256 pricePerHour,string country,string endpoint,bytes32 wireguardKey,bytes32 certificate,string exitPolicy,address[] hubs,uint64 issuedAt)"
    );

    function hashMicroPromise(bytes32 channelId, address provider, uint256 amount)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(MICRO_PROMISE, channelId, provider, amount));
    }

    function hashGuarantee(bytes32 channelId, address provider, uint256 ceiling, uint64 expiresAt)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(GUARANTEE, channelId, provider, ceiling, expiresAt));
    }

    function hashHubPromise(address hub, address provider, uint256 total) internal pure returns (bytes32) {
        return keccak256(abi.encode(HUB_PROMISE, hub, provider, total));
    }

    function hashRelease(address provider, bytes32 channelId, uint256 amount, uint64 upTo)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(RELEASE, provider, channelId, amount, upTo));
    }

    function hashOpening(Opening calldata opening) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                OPENING,
                opening.consumer,
                opening.hub,
                opening.channelNonce,
                opening.amount,
                opening.relayFee,
                opening.deadline
            )
        );
    }

    function hashExitRequest(bytes32 channelId, uint256 relayFee, uint64 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(EXIT_REQUEST, channelId, relayFee, deadline));
    }

    function hashCollection(address owner, address to, uint256 relayFee, uint256 nonce, uint64 deadline)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(COLLECTION, owner, to, relayFee, nonce, deadline));
    }

    function hashRegistration(Registration calldata registration) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                REGISTRATION,
                registration.identity,
                registration.roles,
                registration.stake,
                registration.beneficiary,
                keccak256(bytes(registration.url)),
                registration.relayFee,
                registration.nonce,
                registration.deadline
            )
        );
    }

    function hashDeposit(Deposit calldata deposit) internal pure returns (bytes32) {
        return keccak256(abi.encode(DEPOSIT, deposit));
    }

    function hashRepayment(Repayment calldata repayment) internal pure returns (bytes32) {
        return keccak256(abi.encode(REPAYMENT, repayment));
    }

    function hashUnbonding(Unbonding calldata unbonding) internal pure returns (bytes32) {
        return keccak256(abi.encode(UNBONDING, unbonding));
    }

    function hashStakeWithdrawal(StakeWithdrawal calldata withdrawal) internal pure returns (bytes32) {
        return keccak256(abi.encode(STAKE_WITHDRAWAL, withdrawal));
    }

    function hashSessionTerms(SessionTerms calldata terms) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                SESSION_TERMS,
                terms.provider,
                terms.consumer,
                terms.channelId,
                terms.pricePerMegabyte,
                terms.pricePerHour,
                terms.creditBytes,
                terms.issuedAt,
                terms.validUntil
            )
        );
    }

    function hashProposal(Proposal calldata proposal) internal pure returns (bytes32) {
        return keccak256(
            abi.encode(
                PROPOSAL,
                proposal.provider,
                keccak256(bytes(proposal.service)),
                proposal.pricePerMegabyte,
                proposal.pricePerHour,
                keccak256(bytes(proposal.country)),
                keccak256(bytes(proposal.endpoint)),
                proposal.wireguardKey,
                proposal.certificate,
                keccak256(bytes(proposal.exitPolicy)),
                keccak256(abi.encodePacked(proposal.hubs)),
                proposal.issuedAt
            )
        );
    }
}
