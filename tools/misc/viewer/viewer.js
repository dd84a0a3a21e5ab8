// The 3D viewer of mmhand's result pages. Reads the frames that the page carries in
// <script type="application/json" class="frame"> and shows their meshes beside the pictures.

import {
  BufferAttribute,
  BufferGeometry,
  Box3,
  Color,
  DirectionalLight,
  DoubleSide,
  Group,
  HemisphereLight,
  Mesh,
  MeshStandardMaterial,
  PerspectiveCamera,
  Scene,
  Sphere,
  Vector3,
  WebGLRenderer,
} from 'three';
import { OrbitControls } from 'three/addons/controls/OrbitControls.js';

const $ = (id) => document.getElementById(id);
const scripts = [...document.querySelectorAll('script.frame')];
const faceScripts = [...document.querySelectorAll('script.faces')];
const meta = JSON.parse($('meta').textContent);

function bytes(text) {
  const raw = atob(text);
  const out = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = raw.charCodeAt(i);
  return out.buffer;
}

const faceCache = new Map();
function facesOf(index) {
  if (!faceCache.has(index)) {
    const { data, wide } = JSON.parse(faceScripts[index].textContent);
    const values = wide ? new Uint32Array(bytes(data)) : new Uint16Array(bytes(data));
    faceCache.set(index, new BufferAttribute(values, 1));
  }
  return faceCache.get(index);
}

function positionsOf({ vertices, origin, step }) {
  const quantised = new Uint16Array(bytes(vertices));
  const out = new Float32Array(quantised.length);
  for (let i = 0; i < out.length; i++) out[i] = origin[i % 3] + step * quantised[i];
  return new BufferAttribute(out, 3);
}

class Viewer {
  constructor(stage) {
    this.stage = stage;
    this.renderer = new WebGLRenderer({ antialias: true, alpha: true });
    this.renderer.setPixelRatio(Math.min(window.devicePixelRatio, 2));
    stage.prepend(this.renderer.domElement);
    this.renderer.domElement.setAttribute('role', 'img');
    this.renderer.domElement.setAttribute('aria-label', 'Hand meshes in 3D; drag to turn');
    this.scene = new Scene();
    this.camera = new PerspectiveCamera(35, 1, 0.005, 20);
    this.scene.add(new HemisphereLight(0xffffff, 0x8d8377, 1.6));
    const key = new DirectionalLight(0xffffff, 1.9);
    key.position.set(-0.5, 0.8, 0.6);
    this.camera.add(key);
    this.scene.add(this.camera);
    this.hands = new Group();
    this.hands.rotation.x = Math.PI; // x right, y down, z forward to three's y up, z backward
    this.scene.add(this.hands);
    this.controls = new OrbitControls(this.camera, this.renderer.domElement);
    this.controls.enableDamping = false;
    this.controls.addEventListener('change', () => this.draw());
    this.turn = 0; // the view that keeps filling the stage; null once the reader has moved it
    this.controls.addEventListener('start', () => { this.turn = null; });
    this.hidden = new Set();
    this.wireframe = false;
    new ResizeObserver(() => this.resize()).observe(stage);
  }

  show(meshes) {
    for (const old of [...this.hands.children]) {
      old.geometry.dispose();
      old.material.dispose();
      this.hands.remove(old);
    }
    for (const mesh of meshes) {
      const geometry = new BufferGeometry();
      geometry.setAttribute('position', positionsOf(mesh));
      geometry.setIndex(facesOf(mesh.faces).clone());
      geometry.computeVertexNormals();
      const [r, g, b] = mesh.color;
      const material = new MeshStandardMaterial({
        color: new Color(`rgb(${r}, ${g}, ${b})`),
        roughness: 0.65,
        side: DoubleSide,
        wireframe: this.wireframe,
      });
      const hand = new Mesh(geometry, material);
      hand.name = mesh.name;
      hand.visible = !this.hidden.has(mesh.name);
      this.hands.add(hand);
    }
    this.hands.updateMatrixWorld(true);
    this.draw();
  }

  // Look along the picture's own line of sight, or across it from a side.
  fit(turn = 0) {
    if (!this.hands.children.length) return false;
    this.turn = turn;
    const sphere = new Box3().setFromObject(this.hands).getBoundingSphere(new Sphere());
    const half = (this.camera.fov * Math.PI) / 360;
    const narrow = Math.min(half, Math.atan(Math.tan(half) * this.camera.aspect));
    const distance = (1.02 * sphere.radius) / Math.sin(narrow);
    const back = sphere.center.clone().negate();
    if (back.lengthSq() < 1e-8) back.set(0, 0, 1);
    back.setLength(distance).applyAxisAngle(new Vector3(0, 1, 0), turn);
    this.camera.position.copy(sphere.center).add(back);
    this.controls.target.copy(sphere.center);
    this.controls.update();
    this.draw();
    return true;
  }

  setWireframe(on) {
    this.wireframe = on;
    for (const hand of this.hands.children) hand.material.wireframe = on;
    this.draw();
  }

  setVisible(name, on) {
    this.hidden[on ? 'delete' : 'add'](name);
    for (const hand of this.hands.children) if (hand.name === name) hand.visible = on;
    this.draw();
  }

  resize() {
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (!width || !height) return;
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.camera.updateProjectionMatrix();
    if (this.turn === null || !this.fit(this.turn)) this.draw();
  }

  draw() {
    this.renderer.render(this.scene, this.camera);
  }
}

let viewer = null;
try {
  viewer = new Viewer($('stage'));
  viewer.resize();
} catch (error) {
  $('stage').classList.add('empty');
  $('empty').textContent = 'This browser cannot draw in 3D (WebGL is off).';
  console.warn(error);
}

let current = -1;
let fitted = false;
let wantOverlay = true;
let frame = null;

function showPicture() {
  const both = frame.image && frame.overlay;
  $('swap').hidden = !both;
  const source = (wantOverlay ? frame.overlay || frame.image : frame.image || frame.overlay) || '';
  $('picture').hidden = !source;
  $('figure').hidden = !source && scripts.length <= 1;
  document.querySelector('main').classList.toggle('single', $('figure').hidden);
  if (source) $('picture').src = source;
  $('swap').setAttribute('aria-pressed', String(wantOverlay));
}

function showLegend() {
  $('legend').replaceChildren(
    ...frame.meshes.map((mesh) => {
      const label = document.createElement('label');
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.checked = !viewer || !viewer.hidden.has(mesh.name);
      box.addEventListener('change', () => viewer && viewer.setVisible(mesh.name, box.checked));
      const dot = document.createElement('span');
      dot.className = 'dot';
      dot.style.background = `rgb(${mesh.color.join(', ')})`;
      label.append(box, dot, mesh.side && mesh.side !== mesh.name ? `${mesh.name} (${mesh.side})` : mesh.name);
      return label;
    }),
  );
}

function show(index) {
  if (index === current) return;
  current = index;
  frame = JSON.parse(scripts[index].textContent);
  showPicture();
  showLegend();
  if (viewer) {
    const none = frame.meshes.length === 0;
    $('stage').classList.toggle('empty', none);
    viewer.show(frame.meshes);
    if (!fitted) fitted = viewer.fit();
  }
  $('slider').value = String(index);
  $('slider').setAttribute('aria-valuetext', `frame ${index + 1} of ${scripts.length}`);
  $('count').textContent = `${index + 1} / ${scripts.length}`;
}

let timer = 0;
function play(on) {
  clearInterval(timer);
  timer = on ? setInterval(() => show((current + 1) % scripts.length), 1000 / meta.fps) : 0;
  $('play').textContent = on ? 'Pause' : 'Play';
}

$('swap').addEventListener('click', () => { wantOverlay = !wantOverlay; showPicture(); });
$('wire').addEventListener('click', (event) => {
  const on = event.currentTarget.getAttribute('aria-pressed') !== 'true';
  event.currentTarget.setAttribute('aria-pressed', String(on));
  if (viewer) viewer.setWireframe(on);
});
$('front').addEventListener('click', () => viewer && viewer.fit());
$('side').addEventListener('click', () => viewer && viewer.fit(Math.PI / 2));
$('slider').addEventListener('input', (event) => { play(false); show(Number(event.target.value)); });
$('play').addEventListener('click', () => play(!timer));

if (scripts.length) {
  $('timeline').hidden = scripts.length < 2;
  $('slider').max = String(scripts.length - 1);
  show(0);
} else {
  $('stage').classList.add('empty');
}
document.documentElement.dataset.ready = viewer ? 'yes' : 'no-webgl';
window.mmhandViewer = viewer; // for a reader at the console, and for tests
