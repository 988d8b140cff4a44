// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IIdentityRegistry, Registration} from "../../src/interfaces/IIdentityRegistry.sol";
import {Proposal, SessionTerms} from "../../src/interfaces/IMarketplace.sol";
import {
    Draw,
    FinalState,
    Opening,
    Parties,
    Payment,
    Redemption
} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

/// @notice Keeps one part in a hundred of every transfer.
contract FeeToken is ERC20 {
    constructor() ERC20("Fee", "FEE") {
        _mint(msg.sender, 1_000_000_000e18);
    }

    function _update(address from, address to, uint256 value) internal override {
        if (from != address(0) && to != address(0xfee)) {
            super._update(from, address(0xfee), value / 100);
            value -= value / 100;
        }
        super._update(from, to, value);
    }
}

/// @notice Calls back whoever it was told to, in the middle of a transfer.
contract CallbackToken is ERC20 {
    address private target;
    bytes private data;
    bool public refused;
    bytes4 public problem;

    constructor() ERC20("Callback", "CB") {
        _mint(msg.sender, 1_000_000_000e18);
    }

    function arm(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
        reset();
    }

    function reset() public {
        (refused, problem) = (false, 0);
    }

    function _update(address from, address to, uint256 value) internal override {
        super._update(from, to, value);
        if (target != address(0)) {
            (bool ok, bytes memory answer) = target.call(data);
            refused = !ok;
            if (answer.length >= 4) problem = bytes4(answer);
        }
    }
}

contract StrangeTokensTest is World {
    function setUp() public override {
        vm.warp(START);
    }

    function _populate(IERC20 strange) private {
        _deploy(strange);
        consumer = _account("consumer");
        hub = _account("hub");
        provider = _account("provider");
        knownIdentities.push(consumer);
        knownIdentities.push(hub);
        knownHubs.push(hub);
        knownProviders.push(provider);
    }

    function test_a_token_that_keeps_a_fee_is_refused() public {
        _populate(new FeeToken());
        vm.prank(consumer);
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.TokensMissing.selector, 99 * WHOLE / 100, WHOLE)
        );
        registry.register(CONSUMER, WHOLE, address(0), "");
        vm.prank(hub);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.TokensMissing.selector, 99 * WHOLE / 100, WHOLE));
        channels.fund(hub, WHOLE);
    }

    bytes4 private constant CLOSED = bytes4(keccak256("ReentrancyGuardReentrantCall()"));
    CallbackToken private callback;

    function _populateWithCallback() private {
        callback = new CallbackToken();
        _populate(callback);
        vm.prank(consumer);
        registry.register(CONSUMER, 10 * WHOLE, address(0), "");
        vm.prank(hub);
        registry.register(HUB, 1_000 * WHOLE, address(0), "");
        vm.prank(provider);
        registry.register(PROVIDER, 100 * WHOLE, address(0), "");
        knownIdentities.push(provider);
    }

    function test_in_the_middle_of_a_payment_every_door_of_the_channels_is_closed() public {
        _populateWithCallback();
        Parties memory parties = _open(1, 100 * WHOLE);
        FinalState memory state = _final(parties);
        Draw memory draw_ = _guaranteed(parties, provider, WHOLE, WHOLE);
        Draw[] memory draws = new Draw[](1);
        draws[0] = draw_;
        Redemption memory redemption = _promised(hub, provider, WHOLE);
        Payment[] memory payments = new Payment[](1);
        payments[0] = _payment(hub, provider, WHOLE);
        Opening memory opening = Opening(consumer, hub, 2, WHOLE, 0, uint64(START));
        bytes[] memory doors = new bytes[](16);
        doors[0] = abi.encodeCall(channels.open, (hub, 2, WHOLE));
        doors[1] = abi.encodeCall(channels.openFor, (opening, _noPermit(), ""));
        doors[2] = abi.encodeCall(channels.deposit, (parties, WHOLE));
        doors[3] = abi.encodeCall(channels.draw, (draw_));
        doors[4] = abi.encodeCall(channels.drawMany, (draws));
        doors[5] = abi.encodeCall(channels.redeem, (redemption));
        doors[6] = abi.encodeCall(channels.redeemMany, (hub, payments));
        doors[7] = abi.encodeCall(channels.drawAndRedeem, (draws, redemption, address(0)));
        doors[8] = abi.encodeCall(channels.protest, (parties, provider, WHOLE, ""));
        doors[9] = abi.encodeCall(channels.settleProtest, (parties, provider));
        doors[10] = abi.encodeCall(channels.exit, (parties, new address[](0)));
        doors[11] = abi.encodeCall(channels.conclude, (state, "", ""));
        doors[12] = abi.encodeCall(channels.fund, (hub, WHOLE));
        doors[13] = abi.encodeCall(channels.withdraw, ());
        doors[14] = abi.encodeCall(channels.repay, (parties, provider, WHOLE));
        doors[15] = abi.encodeCall(channels.repayPromise, (hub, provider, WHOLE));
        for (uint256 i = 0; i < doors.length; ++i) {
            callback.arm(address(channels), doors[i]);
            _fund(WHOLE);
            assertTrue(callback.refused() && callback.problem() == CLOSED, vm.toString(i));
        }
        // And each of them closes the others behind itself.
        callback.arm(address(channels), doors[12]);
        for (uint256 i = 0; i < 6; ++i) {
            vm.prank(hub);
            registry.addStake(hub, 1_000 * WHOLE);
            callback.reset();
            if (i == 0) channels.draw(_guaranteed(parties, provider, 300 * WHOLE, 300 * WHOLE));
            if (i == 1) channels.redeem(_promised(hub, provider, 400 * WHOLE));
            if (i == 2) {
                payments[0] = _payment(hub, provider, 401 * WHOLE);
                channels.redeemMany(hub, payments);
            }
            if (i == 3) channels.drawAndRedeem(draws, _promised(hub, provider, 402 * WHOLE), address(0));
            if (i == 4) {
                draws[0] = _guaranteed(parties, provider, 1_000 * WHOLE, 1_000 * WHOLE);
                channels.drawMany(draws);
            }
            if (i == 5) {
                vm.prank(consumer);
                channels.deposit(parties, WHOLE);
            }
            assertTrue(callback.refused() && callback.problem() == CLOSED, vm.toString(100 + i));
        }
        callback.arm(address(0), "");
        _assertConserved();
    }

    function test_in_the_middle_of_a_payment_every_door_of_the_registry_is_closed() public {
        _populateWithCallback();
        Registration memory registration = Registration(consumer, 1, 0, address(0), "", 0, 0, uint64(START));
        bytes[] memory doors = new bytes[](5);
        doors[0] = abi.encodeCall(registry.register, (CONSUMER, WHOLE, address(0), ""));
        doors[1] = abi.encodeCall(registry.registerFor, (registration, _noPermit(), ""));
        doors[2] = abi.encodeCall(registry.registerAndOpen, (WHOLE, hub, 2, WHOLE));
        doors[3] = abi.encodeCall(registry.addStake, (consumer, WHOLE));
        doors[4] = abi.encodeCall(registry.withdrawStake, ());
        for (uint256 i = 0; i < doors.length; ++i) {
            callback.arm(address(registry), doors[i]);
            vm.prank(consumer);
            registry.addStake(consumer, WHOLE);
            assertTrue(callback.refused() && callback.problem() == CLOSED, vm.toString(i));
        }
        // Nor can a hub be slashed while its stake is on the move.
        callback.arm(address(channels), abi.encodeCall(channels.redeem, (_promised(hub, provider, WHOLE))));
        vm.prank(consumer);
        registry.addStake(consumer, WHOLE);
        assertTrue(callback.refused() && callback.problem() == CLOSED, "slash");
        // Each of them closes the others behind itself.
        vm.startPrank(consumer);
        registry.requestUnbonding(WHOLE);
        vm.warp(START + UNBONDING);
        callback.arm(address(registry), doors[3]);
        for (uint256 i = 0; i < 4; ++i) {
            callback.reset();
            if (i == 0) registry.register(CONSUMER, WHOLE, address(0), "");
            if (i == 1) registry.registerAndOpen(WHOLE, hub, 7, WHOLE);
            if (i == 2) registry.withdrawStake();
            if (i == 3) {
                vm.warp(START);
                registration.stake = WHOLE;
                registry.registerFor(registration, _noPermit(), _signRegistration(registration));
            }
            assertTrue(callback.refused() && callback.problem() == CLOSED, vm.toString(100 + i));
        }
        vm.stopPrank();
    }

    function test_in_the_middle_of_a_report_the_market_is_closed() public {
        _populateWithCallback();
        Proposal memory proposal;
        proposal.provider = provider;
        proposal.country = "SI";
        proposal.issuedAt = uint64(START);
        marketplace.publish(proposal, _signProposal(proposal));
        SessionTerms memory terms =
            SessionTerms(provider, consumer, bytes32(0), 5, 5, 0, uint64(START), uint64(START));
        bytes memory signature = _signTerms(terms);
        SessionTerms memory other = terms;
        callback.arm(address(marketplace), abi.encodeCall(marketplace.reportOvercharge, (other, signature)));
        marketplace.reportOvercharge(terms, signature);
        assertTrue(callback.refused() && callback.problem() == CLOSED, "closed");
    }
}
