// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Deposit,
    Permit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Unbonding
} from "../../src/interfaces/IIdentityRegistry.sol";
import {Proposal, SessionTerms} from "../../src/interfaces/IMarketplace.sol";
import {
    Batch,
    Draw,
    FinalState,
    Opening,
    Payment,
    Redemption,
    Slip
} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";
import {CallbackToken} from "./StrangeTokens.t.sol";

/// @notice In the middle of a transfer no door is open: what a token calls back is refused before it is read.
contract ReentranceTest is World {
    CallbackToken private strange;
    bytes[] private calls;

    function setUp() public override {
        vm.warp(START);
        strange = new CallbackToken();
        _deploy(strange);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        hub = _enter("hub", HUB, 1_000 * WHOLE);
        consumer = _enter("consumer", CONSUMER, 10 * WHOLE);
        token.approve(address(channels), type(uint256).max);
        token.approve(address(registry), type(uint256).max);
    }

    function test_every_function_of_channels_that_moves_money_is_closed() public {
        Draw memory order;
        Redemption memory redemption;
        Opening memory opening;
        Permit memory permit;
        FinalState memory end;
        calls.push(abi.encodeCall(channels.open, (hub, 1, 1)));
        calls.push(abi.encodeCall(channels.openFor, (opening, permit, "")));
        calls.push(abi.encodeCall(channels.deposit, (_parties(1), 1)));
        calls.push(abi.encodeCall(channels.draw, (order)));
        calls.push(abi.encodeCall(channels.drawMany, (new Draw[](0))));
        calls.push(abi.encodeCall(channels.redeem, (redemption)));
        calls.push(abi.encodeCall(channels.drawBatch, (provider, new Slip[](0))));
        calls.push(abi.encodeCall(channels.drawBatches, (new Batch[](0))));
        calls.push(abi.encodeCall(channels.redeemTo, (redemption, hub)));
        calls.push(abi.encodeCall(channels.redeemMany, (hub, new Payment[](0))));
        calls.push(abi.encodeCall(channels.collectWithheld, (hub, hub, 0, 0, "")));
        calls.push(abi.encodeCall(channels.drawAndRedeem, (new Draw[](0), redemption, address(0))));
        calls.push(abi.encodeCall(channels.protest, (_parties(1), provider, 1, "")));
        calls.push(abi.encodeCall(channels.settleProtest, (_parties(1), provider)));
        calls.push(abi.encodeCall(channels.exit, (_parties(1), new address[](0))));
        calls.push(abi.encodeCall(channels.conclude, (end, "", "")));
        calls.push(abi.encodeCall(channels.fund, (hub, 1)));
        calls.push(abi.encodeCall(channels.withdraw, ()));
        calls.push(abi.encodeCall(channels.repay, (_parties(1), provider, 1)));
        calls.push(abi.encodeCall(channels.repayPromise, (hub, provider, 1)));
        for (uint256 i = 0; i < calls.length; ++i) {
            strange.arm(address(channels), calls[i]);
            channels.fund(hub, WHOLE);
            _assertClosed(calls[i]);
        }
    }

    function test_every_function_of_the_registry_that_moves_money_is_closed() public {
        Registration memory registration;
        Permit memory permit;
        calls.push(abi.encodeCall(registry.register, (CONSUMER, 1, address(0), "")));
        calls.push(abi.encodeCall(registry.registerFor, (registration, permit, "")));
        calls.push(abi.encodeCall(registry.registerAndOpen, (1, hub, 1, 1)));
        calls.push(abi.encodeCall(registry.addStake, (hub, 1)));
        calls.push(abi.encodeCall(registry.withdrawStake, ()));
        Deposit memory deposit;
        Repayment memory repayment;
        Unbonding memory unbonding;
        StakeWithdrawal memory withdrawal;
        calls.push(abi.encodeCall(registry.depositFor, (deposit, permit, "")));
        calls.push(abi.encodeCall(registry.repayFor, (repayment, permit, "")));
        calls.push(abi.encodeCall(registry.requestUnbondingFor, (unbonding, permit, "")));
        calls.push(abi.encodeCall(registry.withdrawStakeFor, (withdrawal, "")));
        for (uint256 i = 0; i < calls.length; ++i) {
            strange.arm(address(registry), calls[i]);
            registry.addStake(hub, WHOLE);
            _assertClosed(calls[i]);
        }
        // Nor may a stake be slashed in the middle of its own deposit.
        calls.push(abi.encodeCall(channels.redeem, (_promised(hub, provider, 20 * WHOLE))));
        strange.arm(address(channels), calls[calls.length - 1]);
        registry.addStake(hub, WHOLE);
        _assertClosed(calls[calls.length - 1]);
    }

    function test_no_overcharge_is_proven_in_the_middle_of_another() public {
        Proposal memory proposal;
        proposal.provider = provider;
        proposal.country = "SI";
        proposal.pricePerMegabyte = 100;
        proposal.issuedAt = uint64(START);
        marketplace.publish(proposal, _signProposal(proposal));
        vm.warp(START + 1);
        SessionTerms memory terms;
        terms.provider = provider;
        terms.consumer = consumer;
        terms.pricePerMegabyte = 101;
        terms.issuedAt = uint64(START);
        bytes memory first = _signTerms(terms);
        SessionTerms memory other = terms;
        strange.arm(address(marketplace), abi.encodeCall(marketplace.reportOvercharge, (other, first)));
        marketplace.reportOvercharge(terms, first);
        _assertClosed("reportOvercharge");
    }

    function _assertClosed(bytes memory what) private view {
        assertTrue(strange.refused(), string.concat("refused: ", vm.toString(uint256(bytes32(what)))));
        assertEq(
            uint256(uint32(strange.problem())),
            uint256(uint32(bytes4(keccak256("ReentrancyGuardReentrantCall()")))),
            string.concat("closed: ", vm.toString(uint256(bytes32(what))))
        );
    }
}
