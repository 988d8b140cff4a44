// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Parties, Payment} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";
import {HookToken} from "./Blocked.t.sol";

/// @notice Takes what it is paid only with gas enough for its own work, and hands back all the gas when it does not.
contract FrugalReceiver {
    function received() external view {
        require(gasleft() > 200_000, "too little");
    }
}

/// @notice Whoever sends a transaction decides its gas, not who is paid: with too little, nothing happens at all.
contract StarvedTest is World {
    address private frugal;
    address[] private none;

    function setUp() public override {
        vm.warp(START);
        _deploy(new HookToken());
        consumer = _enter("consumer", CONSUMER, 10 * WHOLE);
        hub = _enter("hub", HUB, 2_000 * WHOLE);
        provider = _enter("provider", PROVIDER, 100 * WHOLE);
        frugal = address(new FrugalReceiver());
        HookToken(address(token)).hook(frugal);
        knownOwners.push(provider);
        _fund(100 * WHOLE);
    }

    /// @notice The consumer itself closes, with gas that its own payment needs and the relayer's hook refuses.
    function testFuzz_no_consumer_saves_a_relayers_fee(uint256 gas_) public {
        Parties memory parties = _open(1, 100 * WHOLE);
        bytes memory signature = _signExit(parties, WHOLE, uint64(START));
        vm.prank(frugal);
        channels.requestExitFor(parties, WHOLE, uint64(START), signature);
        vm.warp(START + EXIT_DELAY);
        bytes memory order = abi.encodeCall(channels.exit, (parties, none));
        vm.prank(consumer);
        (bool ok,) = address(channels).call{gas: bound(gas_, 60_000, 500_000)}(order);
        assertEq(token.balanceOf(frugal), ok ? WHOLE : 0, "paid, or nothing happened");
    }

    function testFuzz_no_stranger_has_a_payment_withheld(uint256 gas_) public {
        vm.prank(provider);
        registry.setBeneficiary(frugal);
        Payment[] memory payments = new Payment[](1);
        payments[0] = _payment(hub, provider, 20 * WHOLE);
        bytes memory order = abi.encodeCall(channels.redeemMany, (hub, payments));
        (bool ok,) = address(channels).call{gas: bound(gas_, 60_000, 500_000)}(order);
        assertEq(_withheldOf(provider), 0, "never kept");
        assertEq(token.balanceOf(frugal), ok ? 20 * WHOLE : 0, "paid, or nothing happened");
        _assertConserved();
    }
}
