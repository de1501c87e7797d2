import DPBase
import Testing

@testable import DPPushT

@Test func theBlockIsPutWhereItIsWanted() throws {
    let environment = PushTEnvironment(seed: 4)
    for _ in 0..<3 { try environment.step(toward: SIMD2(300, 300)) }
    let agent = environment.state.agent
    try environment.moveBlock(to: environment.definition.goal)
    #expect(environment.stepCount == 3)
    #expect(environment.state.agent == agent)
    #expect(abs(environment.coverage - 1) < 1e-9)
    #expect(environment.isSuccess)
    try environment.moveBlock(to: Pose(position: SIMD2(400, 120), angle: 1))
    #expect(environment.coverage < 0.2)
}

@Test(arguments: [-1e4, -40, 0, 250, 480, 512, 9999])
func nothingIsPutBehindWalls(coordinate: Double) throws {
    let environment = PushTEnvironment(seed: 4)
    for angle in [0, 1, 2.5, 4, 6.2] {
        try environment.moveBlock(to: Pose(position: SIMD2(coordinate, -coordinate), angle: angle))
        let corners = TBlock.rectangles.flatMap { $0.corners.map(environment.state.block.placement()) }
        #expect(corners.allSatisfy { (6.99...504.01).contains($0.x) && (6.99...504.01).contains($0.y) })
        #expect(abs(environment.state.block.angle - angle) < 1e-9)
    }
    try environment.moveAgent(to: SIMD2(coordinate, coordinate))
    #expect((22...489).contains(environment.state.agent.x))
    for _ in 0..<20 { try environment.step(toward: SIMD2(256, 256)) }
    #expect(environment.state.values.allSatisfy { (-20...532).contains($0) })
}

@Test func theBlockGivesWayToTheAgent() throws {
    let environment = PushTEnvironment(seed: 4)
    try environment.moveBlock(to: Pose(position: SIMD2(256, 200), angle: 0))
    try environment.moveAgent(to: SIMD2(256, 260))
    for _ in 0..<30 { try environment.step(toward: SIMD2(256, 260)) }
    // The agent stays, so the block must give way.
    #expect(abs(environment.state.block.position.x - 256) + abs(environment.state.block.position.y - 200) > 5)
}

@Test func absurdPlacesAreRefused() {
    let environment = PushTEnvironment(seed: 4)
    let before = environment.state
    for value in [Double.nan, .infinity, -1e300, 10_001] {
        #expect(throws: InputError.self) {
            try environment.moveBlock(to: Pose(position: SIMD2(value, 0), angle: 0))
        }
        #expect(throws: InputError.self) { try environment.moveBlock(to: Pose(position: .zero, angle: value)) }
        #expect(throws: InputError.self) { try environment.moveAgent(to: SIMD2(0, value)) }
    }
    #expect(environment.state == before)
}
